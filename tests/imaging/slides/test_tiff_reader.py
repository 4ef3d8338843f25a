"""What is particular to tifffile: OME's own facts, grey, and kinds that are refused rather than shown wrongly."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from saccade.core.errors import BadInput
from saccade.imaging.slides.errors import UnreadableSlide, UnsupportedSlide
from saccade.imaging.slides.tiff_reader import TiffReader
from tests.slide_files import picture, pyramid, write_ome


def test_what_it_says_of_itself(tmp_path: Path) -> None:
    facts = TiffReader(write_ome(tmp_path / "a.ome.tif", pyramid())).facts
    assert (facts.backend, facts.vendor, facts.mpp_doubt) == ("tifffile", "ome-tiff", "")
    assert facts.stated_mpp is not None
    assert (facts.stated_mpp.value, facts.stated_mpp.source) == (0.25, "OME PhysicalSizeX")


def test_oblong_pixels(tmp_path: Path) -> None:
    facts = TiffReader(write_ome(tmp_path / "a.ome.tif", pyramid(), mpp=(0.25, 0.5))).facts
    assert facts.stated_mpp is None and "0.25 across but 0.5 down" in facts.mpp_doubt


def test_grey(tmp_path: Path) -> None:
    grey = picture()[..., 0]
    reader = TiffReader(write_ome(tmp_path / "a.ome.tif", [grey], photometric="minisblack"))
    region = reader.read_region(100, 50, 0, 30, 20)
    assert region.shape == (20, 30, 3) and all(np.array_equal(region[..., n], grey[50:70, 100:130]) for n in range(3))


def test_pictures_beside_the_slide(tmp_path: Path) -> None:
    label, path = picture(40, 30), tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(picture(), photometric="rgb", tile=(128, 128), metadata={"axes": "YXS", "Name": "the slide"})
        writer.write(label, photometric="rgb", metadata={"axes": "YXS", "Name": "Label image"})
        writer.write(label[..., 0], photometric="minisblack", metadata={"axes": "YX", "Name": "Macro"})
        writer.write(label, photometric="rgb", metadata={"axes": "YXS", "Name": "something else"})
    reader = TiffReader(path)
    assert reader.facts.associated == ("label", "macro")
    assert np.array_equal(reader.associated_image("label"), label)
    assert np.array_equal(reader.associated_image("macro"), label[..., [0, 0, 0]])
    with pytest.raises(BadInput, match="no picture 'overview'"):
        reader.associated_image("overview")


@pytest.mark.parametrize(
    ("image", "options", "words"),
    [
        (picture().astype(np.uint16), {}, "holds uint16 values"),
        (picture().astype(np.float32), {}, "holds float32 values"),
        (picture(), {"compression": "webp"}, "compressed by WEBP"),
    ],
)
def test_unsupported(tmp_path: Path, image: np.ndarray, options: dict, words: str) -> None:
    with pytest.raises(UnsupportedSlide, match=words):
        TiffReader(write_ome(tmp_path / "a.ome.tif", [image], **options))


def test_unreadable(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tif", pyramid())
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(UnreadableSlide, match="damaged"):
        TiffReader(path)
    with pytest.raises(UnreadableSlide, match="no such file"):
        TiffReader(tmp_path / "ghost.tif")
