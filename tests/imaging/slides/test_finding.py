"""Which slides there are: in folders, in manifests with and without labels, or the one file."""

from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.imaging.slides.errors import UnreadableSlide
from saccade.imaging.slides.finding import FoundSlide, find_slides, inspect_slides, natural, slides_of
from tests.slide_files import pyramid, write_png, write_pyramid


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(folder: Path) -> list[str]:
    return [slide.name for slide in find_slides(folder)]


def test_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "s10.svs", "s2.SVS", "deep/er/a.ndpi", "b.tiff", "c.png", "notes.txt", "table.csv", "noname")
    touch(tmp_path, ".hidden.svs", ".cache/a.svs", "__MACOSX/a.svs")
    assert names(tmp_path) == ["b.tiff", "c.png", "deep/er/a.ndpi", "s2.SVS", "s10.svs"]


def test_what_belongs_to_another_file_is_no_slide(tmp_path: Path) -> None:
    touch(tmp_path, "a.mrxs", "a/Data0001.dat", "a/preview.png", "b/b.png", "slide-0.jpg", "other.jpg")
    (tmp_path / "scan.vms").write_text("[Virtual Microscope Specimen]\nImageFile=slide-0.jpg\nNoLayers=1\n")
    assert names(tmp_path) == ["a.mrxs", "b/b.png", "other.jpg", "scan.vms"]


def test_links_in_circles(tmp_path: Path) -> None:
    touch(tmp_path, "deep/a.svs")
    (tmp_path / "deep" / "again").symlink_to(tmp_path)
    assert names(tmp_path) == ["deep/a.svs"]


def test_nothing_to_find(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the folder holds no slide"):
        slides_of(tmp_path)
    with pytest.raises(BadInput, match="no such file or folder"):
        slides_of(tmp_path / "ghost")


def test_one_file(tmp_path: Path) -> None:
    touch(tmp_path, "a.svs")
    assert slides_of(tmp_path / "a.svs") == (FoundSlide(tmp_path / "a.svs", "a.svs"),)


def table(folder: Path, text: str) -> tuple[FoundSlide, ...]:
    (folder / "slides.csv").write_text(text)
    return slides_of(folder / "slides.csv")


def test_a_folder_is_described_by_its_manifest(tmp_path: Path) -> None:
    touch(tmp_path, "a.svs", "b.svs")
    (tmp_path / "manifest.csv").write_text("path,mpp\nb.svs,0.25\n")
    assert [(slide.name, slide.mpp) for slide in slides_of(tmp_path)] == [("b.svs", 0.25)]


def test_a_manifest_without_labels(tmp_path: Path) -> None:
    touch(tmp_path, "a.svs", "sub/b.svs", "sub/b.geojson", "b_tissue.png")
    header = "path,mpp,tissue_path,annotation_path,case_id,split"
    a, b = table(tmp_path, f"{header}\na.svs,,,,,\nsub/b.svs,0.25,b_tissue.png,sub/b.geojson,p1,Validation\n")
    assert a == FoundSlide(tmp_path / "a.svs", "a.svs", line=2) and a.place == f"{tmp_path / 'a.svs'} (row 2)"
    assert (b.name, b.mpp, b.case_id, b.split, b.label) == ("sub/b.svs", 0.25, "p1", "val", "")
    assert (b.tissue_path, b.annotation_path) == (tmp_path / "b_tissue.png", tmp_path / "sub/b.geojson")


def test_tables_of_other_tools(tmp_path: Path) -> None:
    """CLAM's slide ids have no suffix; beside an MRXS file lies a folder of that very name."""
    touch(tmp_path, "a.svs", "m.mrxs", "m/Data0001.dat", "series/1.dcm")
    found = table(tmp_path, "case_id,slide_id,label\np1,a,x\np2,m,\np3,series,y\n")
    assert [slide.path.name for slide in found] == ["a.svs", "m.mrxs", "series"]
    assert [slide.label for slide in found] == ["x", "", "y"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a.svs,30\n", "row 2: 30 micrometres per pixel is not plausible"),
        ("a.svs,\na.svs,\n", "row 3: 'a.svs' is already in row 2"),
        (",0.5\n", "row 2: the path is missing"),
    ],
)
def test_rows_are_checked_as_ever(tmp_path: Path, rows: str, words: str) -> None:
    home = tmp_path / "home"
    touch(tmp_path, "home/a.svs", "b.svs")
    with pytest.raises(BadInput, match=words):
        table(home, f"path,mpp\n{rows}")


def test_which_mpp_counts(tmp_path: Path) -> None:
    """The manifest's for this slide; else what the file says; else what was given for files that say nothing."""
    stated = write_pyramid(tmp_path / "a.tif", pyramid())
    silent = write_png(tmp_path / "a.png", pyramid())

    def mpp(path: Path, own: float | None, source_mpp: float | None) -> tuple[float, str] | None:
        slide = FoundSlide(path, path.name, mpp=own).open(source_mpp)
        return slide.stated_mpp and (round(slide.mpp.value, 6), slide.mpp.source)

    assert mpp(stated, None, None) == mpp(stated, None, 1.0) == (0.25, "openslide.mpp-x")
    assert mpp(stated, 0.5, 1.0) == mpp(silent, 0.5, 1.0) == (0.5, "manifest")
    assert mpp(silent, None, 1.0) == (1.0, "--source-mpp")
    assert mpp(silent, None, None) is None


def test_a_damaged_slide_is_found_and_fails_where_it_is_opened(tmp_path: Path) -> None:
    touch(tmp_path, "a.svs")
    (slide,) = slides_of(tmp_path)
    with pytest.raises(UnreadableSlide, match="the file is empty"):
        slide.open()


def test_natural_order() -> None:
    wanted = ["1", "2b", "10", "a1", "a02", "a2", "a10", "B"]
    assert sorted(reversed(wanted), key=natural) == wanted


@pytest.mark.real_data
def test_real_slides(real_data: Path) -> None:
    found = [slide.name for slide in slides_of(real_data / "slides")]
    assert len(found) == 9 and found.count("boxes_0.dcm") == 1 and "boxes_1.dcm" not in found
    assert {"broken.svs", "unreadable.svs", "unopenable.tiff"} <= set(found)


def test_links_that_lead_nowhere_and_folders_of_jobs(tmp_path: Path) -> None:
    """An archive that is not mounted loses no slide in silence, and a job's previews are no slides."""
    touch(tmp_path, "a.svs", "job/job.yaml", "job/tissue/preview/a.jpg", "job/state/a.json")
    touch(tmp_path, "trident/thumbnails/a.jpg", "trident/20x_256px_0px_overlap/features_uni_v1/a.h5")
    (tmp_path / "b.svs").symlink_to(tmp_path / "nowhere.svs")
    (tmp_path / "notes.dcm").symlink_to(tmp_path / "nowhere.dcm")
    assert [slide.name for slide in find_slides(tmp_path)] == ["a.svs", "b.svs"]
    with pytest.raises(UnreadableSlide, match="there is no such file"):
        find_slides(tmp_path)[1].open()


def test_one_bad_row_costs_no_other_row_anything(tmp_path: Path) -> None:
    touch(tmp_path, "a.svs", "b.svs")
    (tmp_path / "list.csv").write_text("path,mpp\na.svs,30\nb.svs,\nb.svs,0.5\ngone.svs,\n")
    slides, problems = inspect_slides(tmp_path / "list.csv")
    assert [(slide.name, slide.line) for slide in slides] == [("b.svs", 3), ("gone.svs", 5)]
    assert [problem.source.rpartition(", ")[2] for problem in problems] == ["row 2", "row 4"]
    (tmp_path / "list.csv").write_text("path,mpp\na.svs,30\n")
    with pytest.raises(BadInput, match="row 2: 30 micro"):
        inspect_slides(tmp_path / "list.csv")


@pytest.mark.real_data
def test_all_files_of_a_series(real_data: Path) -> None:
    (series,) = (slide for slide in find_slides(real_data / "slides") if slide.path.suffix == ".dcm")
    assert [file.name for file in series.files()] == ["boxes_0.dcm", "boxes_1.dcm"]
