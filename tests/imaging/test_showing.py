"""A file too large to decode is shown as the same pixels in memory are."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from saccade.imaging import showing
from saccade.imaging.showing import Shown, ShownArray, ShownFile, shown
from saccade.imaging.tiled_files import TiledFile

DICE = np.random.default_rng(0)
RGB = DICE.integers(0, 256, (200, 264, 3), dtype=np.uint8)
DEEP = DICE.integers(0, 2**16, (200, 264, 1), dtype=np.uint16)
BOXES = torch.tensor([[-5.0, -5, 11, 11], [100, 90, 116, 106], [260, 190, 276, 206]])


def both(folder: Path, image: np.ndarray) -> tuple[Shown, Shown]:
    """The image in memory, and in a tiled file."""
    photometric = "rgb" if image.shape[2] == 3 else "minisblack"
    tifffile.imwrite(folder / "a.tif", image.squeeze(), tile=(64, 64), photometric=photometric)
    return shown(image), shown(TiledFile(folder / "a.tif"))


@pytest.mark.parametrize("image", [RGB, np.repeat(RGB[..., :1], 3, axis=2)], ids=["rgb", "grey"])
def test_the_same_pixels_from_file_and_memory(tmp_path: Path, image: np.ndarray) -> None:
    memory, file = both(tmp_path, image)
    assert isinstance(memory, ShownArray) and isinstance(file, ShownFile)
    assert memory.extent == file.extent == (200, 264)
    np.testing.assert_array_equal(file.whole(), memory.whole())
    np.testing.assert_array_equal(file.patches(BOXES), memory.patches(BOXES))
    assert file.whole(66).shape == memory.whole(66).shape == (50, 66, 3)
    assert np.abs(file.whole(66).astype(int) - memory.whole(66)).max() <= 1


def test_deep_grey_patches_share_one_contrast(tmp_path: Path) -> None:
    _, file = both(tmp_path, (DEEP // 4 + np.where(np.arange(264) < 60, 0, 40_000)[:, None]).astype(np.uint16))
    dark, light, _ = file.patches(torch.tensor([[0.0, 0, 16, 16], [100, 90, 116, 106], [0, 0, 16, 16]]))
    assert dark.shape == (16, 16, 3) and dark.max() < light.min()


def test_a_file_is_never_shown_larger_than_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(showing, "LONGEST", 30)
    memory, file = both(tmp_path, RGB)
    assert memory.whole().shape == (200, 264, 3)
    assert max(file.whole().shape) <= 30
    assert max(file.whole(500).shape) <= 30 and max(file.whole(10).shape) <= 10


def test_no_places(tmp_path: Path) -> None:
    for image in both(tmp_path, RGB):
        assert len(image.patches(torch.zeros(0, 4))) == 0
