"""Who reads a file is decided by what it is, and what nobody reads is told in one line."""

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from saccade.imaging.slides.errors import SlideError, UnreadableSlide, UnsupportedSlide
from saccade.imaging.slides.opening import open_reader
from tests.slide_files import picture, pyramid, write_ome, write_png, write_pyramid


def test_names_do_not_matter(tmp_path: Path) -> None:
    """A pyramid called SVS is still a tiled TIFF, and an OME-TIFF is one by its description."""
    pyramidal = write_pyramid(tmp_path / "a.tif", pyramid()).rename(tmp_path / "a.svs")
    ome = write_ome(tmp_path / "b.ome.tif", pyramid()).rename(tmp_path / "b.scan")
    assert open_reader(pyramidal).facts.backend == "openslide"
    assert open_reader(ome).facts.backend == "tifffile"


def test_a_pyramid_in_subifds_goes_to_whoever_sees_it(tmp_path: Path) -> None:
    images = pyramid()
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        options = {"photometric": "rgb", "tile": (128, 128), "compression": "zlib", "metadata": None}
        writer.write(images[0], subifds=2, **options)
        for image in images[1:]:
            writer.write(image, subfiletype=1, **options)
    facts = open_reader(tmp_path / "a.tif").facts
    assert (facts.backend, facts.vendor, len(facts.levels)) == ("tifffile", "tiff", 3)


def test_large_files_in_strips_are_not_decoded_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "a.tif", picture(), photometric="rgb", rowsperstrip=16)
    assert open_reader(tmp_path / "a.tif").facts.backend == "image"
    monkeypatch.setattr("saccade.imaging.slides.opening.MAX_PIXELS", 10_000)
    reader = open_reader(tmp_path / "a.tif")
    assert reader.facts.backend == "tifffile"
    assert np.array_equal(reader.read_region(50, 33, 0, 20, 30), picture()[33:63, 50:70])


def refused(path: Path, kind: type[SlideError], words: str) -> None:
    with pytest.raises(SlideError, match=words) as caught:
        open_reader(path)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(str(path)) and caught.value.remedy and "\n" not in str(caught.value)


def test_unreadable(tmp_path: Path) -> None:
    (tmp_path / "empty.svs").touch()
    (tmp_path / "text.svs").write_text("not a slide at all")
    refused(tmp_path / "empty.svs", UnreadableSlide, "the file is empty")
    refused(tmp_path / "ghost.svs", UnreadableSlide, "no such file")
    refused(tmp_path / "text.svs", UnreadableSlide, "does not begin as a TIFF does")
    (tmp_path / "stub.tif").write_bytes(b"II*\0\xff\xff\xff\x7f")
    refused(tmp_path / "stub.tif", UnreadableSlide, "damaged")


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_cut_short(tmp_path: Path, share: float) -> None:
    """As by a copy that broke off: the directories of images come last, as scanners write them."""
    data = write_pyramid(tmp_path / "whole.svs", [np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)])
    path = tmp_path / "a.svs"
    path.write_bytes(_directory_last(data.read_bytes())[: int(share * data.stat().st_size)])
    refused(path, UnreadableSlide, "is damaged .its directory of images is missing: the file was cut short.. Copy")


def _directory_last(data: bytes) -> bytes:
    """A little-endian TIFF of one page with its directory moved to its end."""
    (start,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, start)
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + data[start : start + 2 + 12 * entries + 4]


def test_unsupported(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a slide at all")
    refused(tmp_path / "notes.txt", UnsupportedSlide, "no kind that can be read")
    write_pyramid(tmp_path / "deep.tif", [picture().astype(np.uint16)], description=None)
    refused(tmp_path / "deep.tif", UnsupportedSlide, "16 bits per channel")
    (tmp_path / "ct.dcm").write_bytes(bytes(128) + b"DICM" + bytes(200))
    refused(tmp_path / "ct.dcm", UnsupportedSlide, "is DICOM, but not of a slide")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", UnsupportedSlide, "a folder of 0 DICOM series")


def test_what_is_not_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write_png(tmp_path / "a.png", pyramid())
    monkeypatch.setattr(Path, "open", denied)
    refused(path, UnreadableSlide, "cannot be opened .Permission denied")


@pytest.mark.real_data
def test_real_failures(real_data: Path) -> None:
    slides = real_data / "slides"
    refused(slides / "broken.svs", UnreadableSlide, "does not begin as a TIFF does")
    refused(slides / "unopenable.tiff", UnsupportedSlide, "Unsupported TIFF compression")


@pytest.mark.real_data
def test_a_real_dicom_series(real_data: Path, tmp_path: Path) -> None:
    """By its folder or any of its files, with names that say nothing."""
    for number in range(2):
        shutil.copy(real_data / "slides" / f"boxes_{number}.dcm", tmp_path / f"{number}")
    readers = [open_reader(path) for path in (tmp_path, tmp_path / "0", tmp_path / "1")]
    assert {reader.facts.vendor for reader in readers} == {"dicom"}
    assert all(reader.facts == readers[0].facts for reader in readers)
    regions = [reader.read_region(3, 4, 0, 10, 8) for reader in readers]
    assert regions[0].std() > 0 and all(np.array_equal(region, regions[0]) for region in regions)
