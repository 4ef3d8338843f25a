"""Regions of slides: of one class, never of everything that was outlined."""

from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.explanation.slide_regions import RegionFiles
from tests.miniature_annotated import outline, write_outlines

TUMOUR, STROMA = outline(0, 0, 8, 4, "Tumour"), outline(0, 4, 8, 8, "stroma")


def test_the_outlines_of_the_explained_class_are_taken(tmp_path: Path) -> None:
    write_outlines(tmp_path / "a.geojson", TUMOUR, STROMA)
    found = RegionFiles(tmp_path).region("a", "tumour", offset=(100, 7))
    assert found is not None and found.told == "outlines of tumour"
    (one,) = found.outlines
    assert one.outer.min(0).tolist() == [100, 7] and one.outer.max(0).tolist() == [108, 11]


def test_a_class_may_be_chosen(tmp_path: Path) -> None:
    write_outlines(tmp_path / "a.geojson", TUMOUR, STROMA)
    found = RegionFiles(tmp_path / "a.geojson", "Stroma").region("whatever", "tumour")
    assert found is not None and [one.outer.min(0).tolist() for one in found.outlines] == [[0, 4]]


def test_outlines_without_a_class_are_all_taken(tmp_path: Path) -> None:
    write_outlines(tmp_path / "a.geojson", *({**one, "properties": {}} for one in (TUMOUR, STROMA)))
    found = RegionFiles(tmp_path).region("a", "tumour")
    assert found is not None and len(found.outlines) == 2 and found.told == "all outlines, as none has a class"


def test_it_is_told_why_there_are_none(tmp_path: Path) -> None:
    write_outlines(tmp_path / "a.geojson", STROMA, TUMOUR)
    write_outlines(tmp_path / "b.geojson")
    files = RegionFiles(tmp_path)
    other, empty = files.region("a", "normal"), files.region("b", "normal")
    assert other is not None and other.outlines == [] and other.told == "no outline of normal, only of Tumour, stroma"
    assert empty is not None and empty.outlines == [] and empty.told == "no outline"
    assert files.region("c", "normal") is None and files.file_of("c") is None


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file or folder"):
        RegionFiles(tmp_path / "nowhere")
