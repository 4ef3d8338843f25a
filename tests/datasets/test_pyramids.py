"""Pyramids: both readers see what was written, lower levels are averages, and the file never depends on the blocks."""

from pathlib import Path

import numpy as np
import openslide
import pytest
import tifffile

from saccade.core.errors import BadInput
from saccade.datasets.pyramids import ArraySource, PyramidSettings, halve, write_pyramid

LOSSLESS = {"compression": "deflate", "tile": 64, "levels": 4}


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def levels_of(path: Path) -> list[np.ndarray]:
    with tifffile.TiffFile(path) as file:
        assert len(file.series) == 1
        return [level.asarray() for level in file.series[0].levels]


@pytest.mark.parametrize("size", [(64, 64), (65, 5), (300, 517), (128, 640), (257, 129)])
def test_levels_are_averages(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = picture(*size)
    write_pyramid(tmp_path / "a.tif", ArraySource(pixels), 0.5, PyramidSettings(**LOSSLESS))
    expected = pixels
    for level in levels_of(tmp_path / "a.tif"):
        np.testing.assert_array_equal(level, expected)
        padded = np.pad(expected, ((0, expected.shape[0] % 2), (0, expected.shape[1] % 2), (0, 0)), mode="edge")
        grouped = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2, 3).astype(int)
        expected = ((grouped.sum((1, 3)) + 2) // 4).astype(np.uint8)


def test_levels_that_shrink_by_four(tmp_path: Path) -> None:
    pixels = picture(500, 700)
    write_pyramid(tmp_path / "a.tif", ArraySource(pixels), 0.5, PyramidSettings(64, 4, 3, "deflate"))
    finest, middle, coarse = levels_of(tmp_path / "a.tif")
    np.testing.assert_array_equal(middle, halve(halve(finest)))
    np.testing.assert_array_equal(coarse, halve(halve(middle)))


@pytest.mark.parametrize("compression", ["jpeg", "deflate"])
def test_both_readers_agree_away_from_the_corner(tmp_path: Path, compression: str) -> None:
    smooth = np.add.outer(np.arange(600), np.arange(900))[..., None] // np.array([6, 7, 8]) % 256
    settings = PyramidSettings(tile=128, levels=3, compression=compression)  # type: ignore[arg-type]
    path = write_pyramid(tmp_path / "a.tif", ArraySource(smooth.astype(np.uint8)), 0.25, settings)
    levels = levels_of(path)
    with openslide.OpenSlide(path) as slide:
        assert slide.properties["openslide.vendor"] == "generic-tiff"
        assert slide.level_dimensions == tuple(level.shape[1::-1] for level in levels)
        for number, level in enumerate(levels):
            x, y = 120 >> number, 72 >> number
            read = np.asarray(slide.read_region((120, 72), number, (100, 60)))[..., :3]
            np.testing.assert_array_equal(read, level[y : y + 60, x : x + 100])
    # what is stored is what was given
    assert np.abs(levels[0].astype(int) - smooth).mean() < (3 if compression == "jpeg" else 1e-9)


def test_resolution_and_description(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tif", ArraySource(picture(300, 200)), 0.37, description="simulated")
    with openslide.OpenSlide(path) as slide:
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(0.37, rel=1e-4)
        assert float(slide.properties["openslide.mpp-y"]) == pytest.approx(0.37, rel=1e-4)
        assert slide.properties["openslide.comment"] == "simulated"


def test_the_file_does_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    source = ArraySource(picture(500, 300))
    one = write_pyramid(tmp_path / "1.tif", source, 1.0, PyramidSettings(tile=32), workers=1)
    four = write_pyramid(tmp_path / "4.tif", source, 1.0, PyramidSettings(tile=32), workers=4)
    assert one.read_bytes() == four.read_bytes()


class Chequered(ArraySource):
    """Tiles that name themselves where they are of one colour; counts what is read."""

    reads = 0

    def crop(self, x: int, y: int, width: int, height: int) -> np.ndarray:
        type(self).reads += 1
        return super().crop(x, y, width, height)

    def plain(self, x: int, y: int, width: int, height: int) -> object:
        box = self.pixels[y : y + height, x : x + width]
        return int(box[0, 0, 0]) if (box == box[0, 0]).all() else None


def test_plain_blocks_are_read_once_and_change_nothing(tmp_path: Path) -> None:
    pixels = np.repeat(np.repeat(np.random.default_rng(0).integers(0, 2, (8, 8, 1)) * 200, 32, 0), 32, 1)
    pixels = np.repeat(pixels, 3, 2).astype(np.uint8)
    pixels[40, 40] = 7
    settings = PyramidSettings(tile=16, compression="deflate", levels=4)
    plain = write_pyramid(tmp_path / "a.tif", Chequered(pixels), 1.0, settings, workers=1)
    asked = write_pyramid(tmp_path / "b.tif", ArraySource(pixels), 1.0, settings)
    assert plain.read_bytes() == asked.read_bytes()
    assert Chequered.reads == 3  # one block of either colour, and the one with a speck


def test_nothing_is_left_where_reading_fails(tmp_path: Path) -> None:
    class Failing(ArraySource):
        def crop(self, x: int, y: int, width: int, height: int) -> np.ndarray:
            if y:
                raise BadInput("torn")
            return super().crop(x, y, width, height)

    with pytest.raises(BadInput, match="torn"):
        write_pyramid(tmp_path / "a.tif", Failing(picture(200, 40)), 1.0, PyramidSettings(tile=32))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [{"tile": 100}, {"step": 3}, {"levels": 0}, {"quality": 0}])
def test_settings_out_of_range(wrong: dict) -> None:
    with pytest.raises(BadInput):
        PyramidSettings(**wrong)


@pytest.mark.parametrize("mpp", [0.0, -1.0, 1e6, float("nan")])
def test_resolution_out_of_range(tmp_path: Path, mpp: float) -> None:
    with pytest.raises(BadInput, match="µm"):
        write_pyramid(tmp_path / "a.tif", ArraySource(picture(4, 4)), mpp)
