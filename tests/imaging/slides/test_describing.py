"""The facts of a slide in words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from saccade.imaging.slides import describing
from saccade.imaging.slides.describing import Fact, described
from saccade.imaging.slides.slide import Slide, open_slide
from tests.slide_files import pyramid, write_ome, write_png, write_pyramid


def facts(path: Path) -> dict[str, str]:
    return dict(described(open_slide(path)))


def test_a_pyramid(tmp_path: Path) -> None:
    found = facts(write_pyramid(tmp_path / "a.tif", pyramid()))
    assert found["format"] == "aperio, read by OpenSlide" and found["file"].endswith("MiB")
    assert found["µm per pixel"] == "0.25, from openslide.mpp-x; about 40x"
    assert found["extent"] == "0.192 x 0.128 mm"
    assert found["level 0"] == "768 x 512 pixels, 1/1, 0.25 µm per pixel"
    assert found["level 2"] == "192 x 128 pixels, 1/4, 1 µm per pixel"
    assert "pyramid" not in found and found["background"] == "#ffffff"


def test_what_is_missing(tmp_path: Path) -> None:
    found = facts(write_ome(tmp_path / "a.ome.tif", pyramid(1), mpp=(0.25, 0.5)))
    assert "0.25 across but 0.5 down" in found["µm per pixel"] and "--source-mpp" in found["µm per pixel"]
    assert found["pyramid"].startswith("none") and "extent" not in found
    assert "pyramid" not in facts(write_png(tmp_path / "a.png", pyramid()))


def test_further_sections_come_last(tmp_path: Path) -> None:
    def tissue(slide: Slide) -> Iterator[Fact]:
        yield "tissue", f"half of {slide.width}"

    slide = open_slide(write_png(tmp_path / "a.png", pyramid()))
    assert described(slide, (tissue,)) == [*described(slide), ("tissue", "half of 768")]


def test_of_a_folder_only_the_series_counts(tmp_path: Path) -> None:
    """What else lies there, a picture or a folder, is none of the slide's."""
    slide = open_slide(write_png(tmp_path / "a.png", pyramid()))
    folder = tmp_path / "series"
    (folder / "inner").mkdir(parents=True)
    for name in ("a.dcm", "b.dcm"):
        (folder / name).write_bytes(bytes(128) + b"DICM" + bytes(2**20))
    (folder / "other.png").write_bytes(bytes(2**22))
    (folder / "notes.dcm").write_bytes(bytes(2**22))
    assert dict(describing._file(Slide(folder, slide.facts)))["file"] == "2.0 MiB"


@pytest.mark.real_data
def test_real_slides(real_data: Path) -> None:
    found = facts(real_data / "slides" / "cmu-1-small-region.svs")
    assert found["µm per pixel"] == "0.499, from openslide.mpp-x; about 20x"
    assert (found["label"], found["macro"]) == ("387 x 463 pixels", "1280 x 431 pixels")
    assert "Bogus marker" in facts(real_data / "slides" / "unreadable.svs")["thumbnail"]
    assert facts(real_data / "slides" / "fluorescence-dapi.ndpi")["level 6"].startswith("62 x 76 pixels, 1/64, 14.6")
