"""Class folders: what lies where decides the label, and nothing odd goes unsaid."""

from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.datasets.folders import (
    image_rows,
    inspect_folder,
    list_images,
    list_others,
    list_recordings,
    list_unnamed,
    load_folder,
)


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_labels_and_names(tmp_path: Path) -> None:
    fill(tmp_path, "b/2.png", "b/1.JPG", "a/deep/down/x.tif", "a/.hidden.png", ".git/y.png", "a/__MACOSX/z.png")
    manifest = load_folder(tmp_path)
    assert [(row.name, row.label) for row in manifest.rows] == [
        ("a/deep/down/x.tif", "a"),
        ("b/1.JPG", "b"),
        ("b/2.png", "b"),
    ]
    assert manifest.classes == ("a", "b") and manifest.rows[0].path == tmp_path / "a/deep/down/x.tif"
    assert {row.case for row in manifest.rows} == {row.name for row in manifest.rows}


def test_folders_called_like_parts_are_the_split(tmp_path: Path) -> None:
    fill(tmp_path, "train/a/1.png", "Validation/a/2.png", "test/b/3.png")
    assert {(row.label, row.split) for row in load_folder(tmp_path).rows} == {
        ("a", "train"),
        ("a", "val"),
        ("b", "test"),
    }


def test_one_class_may_be_called_test(tmp_path: Path) -> None:
    assert load_folder(fill(tmp_path, "test/1.png", "control/2.png")).classes == ("control", "test")


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", "a/notes.txt", "b/2.png", "b/c.xml", "b/d.xml", "b/README", "loose.png")
    manifest, problems = inspect_folder(tmp_path)
    assert len(manifest) == 2 and all(problem.severity == "note" for problem in problems)
    loose, others = map(str, problems)
    assert "1 images lie beside the class folders" in loose and "loose.png" in loose
    assert "4 files of other kinds are left out: 2 .xml, 1 .txt, 1 no suffix" in others


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a/1.png", "b/x.txt"), r"/b: the class folder holds no image\. Add images"),
        (("1.png",), "has no class folders, only images"),
        ((), "is an empty folder"),
    ],
)
def test_bad_folders(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        load_folder(fill(tmp_path, *names))


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file or folder"):
        load_folder(tmp_path / "ghost")


def test_links_are_followed_once(tmp_path: Path) -> None:
    data = fill(tmp_path / "data", "a/1.png")
    fill(tmp_path / "far", "2.png")
    (data / "b").symlink_to(tmp_path / "far")
    (data / "a" / "loop").symlink_to(data)
    assert {row.name for row in load_folder(data).rows} == {"a/1.png", "a/loop/b/2.png", "b/2.png"}


def test_list_images(tmp_path: Path) -> None:
    fill(tmp_path, "b/2.png", "1.bmp", "x.txt", ".z.png")
    assert list_images(tmp_path) == [tmp_path / "1.bmp", tmp_path / "b/2.png"]
    assert list_images(tmp_path / "x.txt") == [tmp_path / "x.txt"], "a named file is tried, whatever it is"
    with pytest.raises(BadInput, match="holds no image"):
        list_images(fill(tmp_path / "c", "x.txt"))
    with pytest.raises(BadInput, match="no such"):
        list_images(tmp_path / "ghost")


def test_list_others(tmp_path: Path) -> None:
    fill(tmp_path, "b/2.png", "b/notes.txt", "anim.gif", ".z.txt", ".git/y.txt", "__MACOSX/z.txt")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    assert list_others(tmp_path) == [tmp_path / "anim.gif", tmp_path / "b/notes.txt", tmp_path / "gone.png"]
    assert list_images(tmp_path) == [tmp_path / "b/2.png"]
    assert list_others(tmp_path / "anim.gif") == []
    with pytest.raises(BadInput, match="no such"):
        list_others(tmp_path / "ghost")


def test_a_manifest_says_which_images_are_meant(tmp_path: Path) -> None:
    """Masks beside the cells are images too; whatever folder of a folder the manifest lies in."""
    fill(tmp_path, "set/a/2.png", "set/a/1.png", "set/masks/a/1.png", "set/notes.txt", "plain/3.png")
    (tmp_path / "set" / "manifest.csv").write_text("path,case_id,mask_path\na/2.png,p,\na/1.png,q,masks/a/1.png\n")
    for place in (tmp_path, tmp_path / "set"):
        assert [row.case_id for row in image_rows(place) if row.case_id] == ["p", "q"], "in its order, without labels"
        assert list_unnamed(place) == [tmp_path / "set/masks/a/1.png"]
        assert list_others(place) == [tmp_path / "set/notes.txt"]
    assert [row.name for row in image_rows(tmp_path)] == ["plain/3.png", "a/2.png", "a/1.png"]
    assert list_images(tmp_path) == [tmp_path / name for name in ("plain/3.png", "set/a/2.png", "set/a/1.png")]
    assert list_images(tmp_path / "set" / "masks") == [tmp_path / "set/masks/a/1.png"], "asked for, they are given"
    assert list_unnamed(tmp_path / "set/a/2.png") == list_unnamed(tmp_path / "plain") == []


def test_a_manifest_that_names_what_is_gone_or_nothing(tmp_path: Path) -> None:
    manifest = fill(tmp_path, "1.png") / "manifest.csv"
    manifest.write_text("path,label\n1.png,\ngone.png,\n")
    assert list_images(tmp_path) == [tmp_path / "1.png", tmp_path / "gone.png"], "whoever opens it tells"
    for text, message in (("name,label\n1,a\n", "no column for the path"), ("path\n../1.png\n", "leaves the folder")):
        manifest.write_text(text)
        with pytest.raises(BadInput, match=message):
            list_images(tmp_path)


def test_recordings_of_event_cameras(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.raw", "a/2.h5", "b/3.NPY", "b/.4.dat", "b/5.png")
    assert [path.name for path in list_recordings(tmp_path)] == ["1.raw", "2.h5", "3.NPY"]
    assert list_recordings(tmp_path / "b/5.png") == [tmp_path / "b/5.png"]
    fill(tmp_path / "other", "a.png")
    with pytest.raises(BadInput, match="no recording of events.*raw"):
        list_recordings(tmp_path / "other")
