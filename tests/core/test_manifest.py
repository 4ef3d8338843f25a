"""Manifests: every dialect in, every bad row named."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.core.manifest import (
    COLUMNS,
    inspect_labels,
    inspect_manifest,
    inspect_names,
    inspect_slide_table,
    load_manifest,
    load_slide_table,
    ordered_classes,
    part_of,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "data"
    for name in ("a.png", "b.png", "sub/c.png", "sub/c_mask.png"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    (tmp_path / "outside.png").touch()
    return home


def write(folder: Path, text: str) -> Path:
    (folder / "manifest.csv").write_text(text, encoding="utf-8")
    return folder / "manifest.csv"


def test_all_columns(folder: Path) -> None:
    path = write(
        folder,
        "path,label,case_id,split,mpp,site,mask_path,time,event,colour\n"
        "sub/c.png,x,p1,Validation,0.25,Bern,sub/c_mask.png,3.5,1,red\n"
        "a.png,y,,,,,,,,\n",
    )
    manifest = load_manifest(path)
    full, bare = manifest.rows
    assert (full.path, full.label, full.name, full.case_id) == (folder / "sub/c.png", "x", "sub/c.png", "p1")
    assert (full.split, full.mpp, full.site, full.mask_path) == ("val", 0.25, "Bern", folder / "sub/c_mask.png")
    assert (full.time, full.event, full.line, full.case) == (3.5, True, 2, "p1")
    assert (bare.case_id, bare.case, bare.split, bare.mpp, bare.event) == ("", "a.png", "", None, None)
    assert manifest.classes == ("x", "y") and manifest.source == path and len(manifest) == 2


@pytest.mark.parametrize(
    "text",
    [
        "image_path,target,patient_id\nsub/c.png,x,p1\n",
        "case_id,slide_id,label\np1,sub/c,x\n",  # CLAM: the file without its suffix
        "PATIENT;FILENAME;Class\np1;sub\\c.png;x\n",  # STAMP's names, semicolons, backslashes
        "﻿wsi\tlabel\tcase\n\n./sub/../sub/c.png\tx\tp1\n",
    ],
)
def test_dialects(folder: Path, text: str) -> None:
    (row,) = load_manifest(write(folder, text)).rows
    assert (row.path, row.name, row.label, row.case_id) == (folder / "sub/c.png", "sub/c.png", "x", "p1")


def test_decimal_comma(folder: Path) -> None:
    assert load_manifest(write(folder, "path;label;mpp\na.png;x;0,25\n")).rows[0].mpp == 0.25


@pytest.mark.parametrize(
    "cell",
    ["../outside.png", "sub/../../outside.png", "..\\outside.png", "/etc/passwd", "C:\\a.png", "..", "\\\\host\\a"],
)
def test_paths_that_leave_are_refused(folder: Path, cell: str) -> None:
    with pytest.raises(BadInput, match=r"manifest\.csv, row 3: the path .* leaves the folder") as caught:
        load_manifest(write(folder, f"path,label\na.png,x\n{cell},x\n"))
    assert caught.value.remedy


def test_paths_that_stay_are_not(folder: Path) -> None:
    cells = [str(folder / "a.png"), "../data/b.png", "sub/../sub/c.png"]
    manifest = load_manifest(write(folder, "path,label\n" + "".join(f"{cell},x\n" for cell in cells)))
    assert [row.name for row in manifest.rows] == ["a.png", "b.png", "sub/c.png"]


def test_labels_of_images_that_are_elsewhere(folder: Path) -> None:
    """CLAM's table, and one that came from another machine."""
    path = write(folder, "case_id,slide_id,label\np1,TCGA-1.2,x\np2,/far/away/b.svs,y\np3,C:\\slides\\c.svs,y\np4,,y\n")
    manifest, problems = inspect_labels(path)
    assert [row.name for row in manifest.rows] == ["TCGA-1.2", "/far/away/b.svs", "C:/slides/c.svs"]
    assert manifest.classes == ("x", "y") and manifest.rows[0].case_id == "p1"
    assert [problem.message for problem in problems] == ["the path is missing"]
    assert len(inspect_manifest(path)[0]) == 0


def test_linked_folder(folder: Path) -> None:
    """The folder is reached by a link, and the table names its files by their real place."""
    write(folder, f"path,label\n{folder}/a.png,x\n")
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert load_manifest(link / "manifest.csv").rows[0].name == "a.png"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.png,,,", "row 2: the label is missing"),
        ("a.png,nan,,", "row 2: the label is missing"),
        (",x,,", "row 2: the path is missing"),
        ("ghost.png,x,,", "row 2: there is no file 'ghost.png'"),
        ("sub,x,,", "row 2: there is no file 'sub'"),
        ("a.png,x,later,", "row 2: split 'later' is not a part"),
        ("a.png,x,,25", "row 2: 25 micrometres per pixel is not plausible"),
        ("a.png,x,,\nsub/../a.png,x,,", "row 3: 'a.png' is already in row 2"),
        ("a.png,x,,,,,", None),
        ("a.png,x,,,1,", "row 2: has 6 cells"),
        ("", "no rows"),
    ],
)
def test_bad_rows(folder: Path, rows: str, message: str | None) -> None:
    path = write(folder, f"path,label,split,mpp\n{rows}\n")
    if message is None:
        assert len(load_manifest(path)) == 1
        return
    with pytest.raises(BadInput, match=message) as caught:
        load_manifest(path)
    assert caught.value.remedy and "\n" not in str(caught.value)


def test_every_bad_row_is_listed_and_the_good_ones_kept(folder: Path) -> None:
    path = write(folder, "path,label\nghost.png,x\na.png,\nb.png,x\nb.png,x\n")
    manifest, problems = inspect_manifest(path)
    assert [row.name for row in manifest.rows] == ["b.png", "b.png"]
    assert [problem.source.rpartition(" ")[2] for problem in problems] == ["2", "3", "5"]
    with pytest.raises(BadInput, match=r"row 2: .*and 2 more"):
        load_manifest(path)


@pytest.mark.parametrize(("header", "field"), [("label,mpp", "path"), ("path,mpp", "label"), ("a.png,x", "path")])
def test_missing_columns(folder: Path, header: str, field: str) -> None:
    with pytest.raises(BadInput, match=f"has no column for the {field} .*Name a column {field}"):
        load_manifest(write(folder, f"{header}\n1,2\n"))


def test_ambiguous_stem(folder: Path) -> None:
    (folder / "a.tif").touch()
    with pytest.raises(BadInput, match="fits 2 files"):
        load_manifest(write(folder, "slide_id,label\na,x\n"))


def test_parts_and_labels(folder: Path) -> None:
    manifest = load_manifest(write(folder, "path,label,split\na.png,x,train\nb.png,y,test\n"))
    test = manifest.part("test")
    assert [row.label for row in test.rows] == ["y"] and test.classes == ("x", "y")
    assert test.counts() == {"x": 0, "y": 1}
    with pytest.raises(BadInput, match="no images in the part 'val'. Parts present: test, train"):
        manifest.part("val")
    assert [row.split for row in manifest.with_parts(("val", "val")).rows] == ["val", "val"]


def test_the_page_names_every_column(root: Path) -> None:
    page = (root / "docs" / "how-to" / "prepare_images.md").read_text(encoding="utf-8")
    missing = {name for names in COLUMNS.values() for name in names if f"`{name}`" not in page}
    assert not missing


def test_a_table_of_slides_needs_no_labels(folder: Path) -> None:
    path = write(folder, "path,tissue_path,annotation_path\na.png,sub/c_mask.png,\nsub,,b.png\n")
    a, series = load_slide_table(path).rows
    assert (a.label, a.tissue_path, a.annotation_path) == ("", folder / "sub/c_mask.png", None)
    assert (series.path, series.annotation_path) == (folder / "sub", folder / "b.png")
    assert load_slide_table(path).classes == ()
    with pytest.raises(BadInput, match="has no column for the label"):
        load_manifest(path)


def test_neither_labels_nor_slides_are_needed_where_something_else_is_asked(folder: Path) -> None:
    manifest, problems = inspect_names(write(folder, "slide_id,time,event,annotation_path\nx,4.5,0,x.geojson\n"))
    (row,) = manifest.rows
    assert not problems and not manifest.classes
    assert (row.name, row.label, row.time, row.event) == ("x", "", 4.5, False)
    assert row.annotation_path == folder / "x.geojson"


def test_some_slides_may_have_labels(folder: Path) -> None:
    path = write(folder, "path,label\na.png,x\nb.png,\n")
    assert [row.label for row in load_slide_table(path).rows] == ["x", ""] and load_slide_table(path).classes == ("x",)
    with pytest.raises(BadInput, match="row 3: the label is missing"):
        load_manifest(path)


def test_only_slides_may_be_folders(folder: Path) -> None:
    path = write(folder, "path,label,tissue_path\nsub,x,\na.png,x,sub\n")
    with pytest.raises(BadInput, match="row 2: there is no file 'sub'"):
        load_manifest(path)
    manifest, problems = inspect_slide_table(path)
    assert [row.name for row in manifest.rows] == ["sub", "a.png"] and not problems


def test_slides_may_lie_anywhere_and_be_missing(folder: Path) -> None:
    """Whoever opens them tells; a row that means nothing is a problem of its own."""
    away = folder.parent / "archive"
    away.mkdir()
    (away / "s.svs").touch()
    rows = [f"{away / 's.svs'},", "../archive/s.svs,", "gone.svs,gone.png", "a.png,", ",gone.png", "b.png,"]
    manifest, problems = inspect_slide_table(write(folder, "\n".join(["path,tissue_path", *rows, ""])))
    assert [row.name for row in manifest.rows] == [(away / "s.svs").as_posix()] * 2 + ["gone.svs", "a.png", "b.png"]
    assert manifest.rows[2].tissue_path == folder / "gone.png"
    assert [problem.message for problem in problems] == [
        f"'{away / 's.svs'}' is already in row 2",
        "the path is missing",
    ]


def test_a_folder_beside_an_mrxs_file_is_not_the_slide(folder: Path) -> None:
    (folder / "m.mrxs").touch()
    (folder / "m").mkdir()
    (row,) = load_slide_table(write(folder, "slide_id\nm\n")).rows
    assert row.path == folder / "m.mrxs"


def test_order_of_classes() -> None:
    assert ordered_classes(["10", "9", "x"]) == ("10", "9", "x")
    assert ordered_classes(["10", "9"]) == ("9", "10")


def test_part_names() -> None:
    assert [part_of(word) for word in ("Training", "dev", "TEST", "", "nan")] == ["train", "val", "test", "", ""]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(alphabet='abpngx./\\";,\n0:~ é', max_size=12), max_size=12))
def test_never_another_error_and_never_outside(folder: Path, words: list[str]) -> None:
    path = write(folder, "path,label,split,mpp\n" + ",".join(words))
    try:
        manifest, problems = inspect_manifest(path)
    except BadInput:
        return
    assert all(row.path.resolve().is_relative_to(folder.resolve()) for row in manifest.rows)
    assert all("\n" not in str(problem) and problem.remedy for problem in problems)


@pytest.mark.real_data
def test_real_cells(real_data: Path) -> None:
    manifest = load_manifest(real_data / "pbc_cells" / "manifest.csv")
    assert set(manifest.counts().values()) == {400}
    assert len(manifest.part("test")) == 640


def test_labels_need_no_files_beside_their_images_either(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("path,label,tissue_path\na/s1.svs,x,masks/s1.png\n", "utf-8")
    manifest, problems = inspect_labels(table)
    assert not problems and manifest.rows[0].tissue_path == tmp_path / "masks" / "s1.png"
