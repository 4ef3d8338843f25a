"""Plain images as slides of one level."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from saccade.imaging.slides.errors import UnreadableSlide, UnsupportedSlide
from saccade.imaging.slides.picture_reader import PictureReader
from saccade.imaging.slides.reader import SlideLevel
from tests.slide_files import picture


def save(path: Path, image: np.ndarray) -> Path:
    Image.fromarray(image).save(path)
    return path


@pytest.mark.parametrize("kind", ["png", "bmp"])
def test_what_it_says_of_itself(tmp_path: Path, kind: str) -> None:
    image = picture(40, 60)
    reader = PictureReader(save(tmp_path / f"a.{kind}", image), kind)
    facts = reader.facts
    assert (facts.backend, facts.vendor, facts.levels) == ("image", kind, (SlideLevel(40, 60, 1.0),))
    assert facts.stated_mpp is None and facts.associated == ()
    assert np.array_equal(reader.read_region(7, 9, 0, 20, 10), image[9:19, 7:27])


def test_grey(tmp_path: Path) -> None:
    grey = picture(40, 60)[..., 0]
    region = PictureReader(save(tmp_path / "a.png", grey), "png").read_region(5, 6, 0, 9, 8)
    assert all(np.array_equal(region[..., n], grey[6:14, 5:14]) for n in range(3))


@pytest.mark.parametrize(("dots", "mpp"), [(40_000, 0.25), (72, None)])
def test_the_resolution_of_a_tiff(tmp_path: Path, dots: int, mpp: float | None) -> None:
    tifffile.imwrite(tmp_path / "a.tif", picture(40, 60), resolution=(dots, dots), resolutionunit="CENTIMETER")
    facts = PictureReader(tmp_path / "a.tif", "tiff").facts
    assert (facts.stated_mpp and facts.stated_mpp.value) == (None if mpp is None else pytest.approx(mpp))
    assert bool(facts.mpp_doubt) == (mpp is None)


def test_unsupported(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedSlide, match="1 channels of uint16"):
        PictureReader(save(tmp_path / "a.png", picture(9, 9)[..., 0].astype(np.uint16)), "png")


@pytest.mark.parametrize(("side", "words"), [(9000, "9000 x 9000 pixels"), (1_000_000, "too many pixels")])
def test_too_large_is_told_by_the_header(tmp_path: Path, side: int, words: str) -> None:
    """A picture of terabytes in a hundred bytes."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    data += b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(UnsupportedSlide, match=f"has {words}, and must be decoded whole"):
        PictureReader(tmp_path / "a.png", "png")


def test_unreadable(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", picture(40, 60))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UnreadableSlide, match="damaged"):
        PictureReader(path, "png")
