"""What a run knows of images, whatever another table calls them."""

from pathlib import Path

import pytest

from saccade.core.manifest import Row
from saccade.inference.known_parts import KnownParts

SPLITS = {
    "slides/a.tif": "train",
    "slides/b.tif": "val",
    "slides/c.tif": "test",
    "more/c.tif": "train",
    "d.h5": "train",
}


def slide(name: str, case: str = "", folder: Path = Path("nowhere")) -> Row:
    return Row(folder / name, "", name=name, case_id=case)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("slides/a.tif", "train"),
        ("a", "train"),
        ("a.tif", "train"),
        ("/archive/slides/a.tif", "train"),
        ("a.h5", "train"),
        ("d.svs", "train"),
        ("other/a.tif", ""),
        ("a.svs", ""),
        ("aa", ""),
        ("b", "val"),
        ("slides/c", "test"),
        ("c", "train"),  # of two that it may mean, the one that was learned from
    ],
)
def test_slides_are_told_as_their_bags_are(name: str, part: str) -> None:
    assert KnownParts(SPLITS, slides=True).part(slide(name)) == part


def test_images_are_told_by_their_whole_name() -> None:
    known = KnownParts({"a/1.png": "train"})
    assert known.part(Row(Path("a/1.png"), "", name="a/1.png")) == "train"
    assert known.part(Row(Path("1.png"), "", name="1.png")) == known.part(Row(Path("a/1"), "", name="a/1")) == ""


def test_cases_are_learned_from_but_say_nothing_of_parts() -> None:
    known = KnownParts(SPLITS, {"p": "train", "q": "val", "r": "test"}, slides=True)
    assert [known.learned(slide("new", case)) for case in ("p", "q", "r", "s", "")] == [True, True, False, False, False]
    assert known.part(slide("new", "p")) == ""
    assert known.learned(slide("c.tif", "r")) and not known.learned(slide("slides/c.tif", "r"))


def test_slides_that_are_there_are_told_by_their_content(tmp_path: Path) -> None:
    source = tmp_path / "mine" / "manifest.csv"
    for folder, content in (("mine", "one"), ("copy", "one"), ("other", "two")):
        (tmp_path / folder / "slides").mkdir(parents=True)
        (tmp_path / folder / "slides" / "a.tif").write_text(content)
    source.write_text("")
    known = KnownParts(SPLITS, slides=True, trained_on=source)
    found = [known.part(slide("a.tif", folder=tmp_path / where / "slides")) for where in ("mine", "copy", "other")]
    assert found == ["train", "train", ""]
    (tmp_path / "mine" / "slides" / "a.tif").unlink()  # archived: only the name is left to go by
    assert KnownParts(SPLITS, slides=True, trained_on=source).part(slide("a", folder=tmp_path / "other")) == "train"
