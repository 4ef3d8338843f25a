"""What is opened is what a model asks for, in memory or, where it is too large for that, in its file."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from saccade.core.errors import BadInput
from saccade.imaging import image_files
from saccade.imaging.opening import extent_of, open_field, open_images, open_tiled, some_of
from saccade.imaging.preprocessing import Preprocessing
from saccade.imaging.rasters import Rasters
from saccade.imaging.tiled_files import TiledFile

DICE = np.random.default_rng(0)


def test_cells_become_one_normalised_tensor() -> None:
    plain = Preprocessing(8, 3, (0.5,) * 3, (0.25,) * 3)
    images = [DICE.integers(0, 256, (12, 9, 3), dtype=np.uint8) for _ in range(3)]
    batch = open_images([plain.resize(image) for image in images], plain)
    assert isinstance(batch, torch.Tensor)
    assert batch.equal(torch.stack([plain(image) for image in images]))
    assert some_of(batch, 1, 9).equal(batch[1:])


def test_fields_stay_as_they_are_and_are_normalised_where_they_are_read() -> None:
    plain = Preprocessing(None, 3, (0.5,) * 3, (0.25,) * 3)
    images = [DICE.integers(0, 256, (12 + n, 9, 3), dtype=np.uint8) for n in range(3)]
    batch = open_images(images, plain)
    assert isinstance(batch, Rasters)
    assert batch.extents.tolist() == [[12, 9], [13, 9], [14, 9]]
    box = torch.tensor([[[2, 3, 6, 7]]]).expand(3, -1, -1)
    expected = [(torch.from_numpy(image).permute(2, 0, 1)[:, 3:7, 2:6] / 255 - 0.5) / 0.25 for image in images]
    assert torch.allclose(batch.read(box, 4)[:, 0], torch.stack(expected), atol=1e-6)
    some = some_of(batch, 1, 9)
    assert isinstance(some, Rasters)
    assert some.extents.tolist() == [[13, 9], [14, 9]]
    assert some.cost().pixels_read.tolist() == [0, 0]


def save_tiled(path: Path, image: np.ndarray, **options: object) -> Path:
    photometric = "rgb" if image.shape[2] == 3 else "minisblack"
    tifffile.imwrite(path, image.squeeze(), tile=(32, 32), photometric=photometric, **options)
    return path


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images above 2,500 pixels are too large to decode."""
    monkeypatch.setattr(image_files, "MAX_PIXELS", 2500)


def test_a_tiff_stays_in_its_file_only_if_it_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = DICE.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    path = save_tiled(tmp_path / "a.tif", image)
    small = open_field(path)
    assert isinstance(small, np.ndarray) and (small == image).all()
    monkeypatch.setattr(image_files, "MAX_PIXELS", 60 * 80 - 1)
    large = open_field(path)
    assert isinstance(large, TiledFile) and extent_of(large) == extent_of(small) == (60, 80)


@pytest.mark.usefixtures("small_limit")
def test_what_is_too_large_and_cannot_be_read_in_tiles_is_refused(tmp_path: Path) -> None:
    image = DICE.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "ink.tif", np.repeat(image, 2, axis=2)[..., :4], photometric="separated")
    for name, said in (("a.png", "above the limit of 2,500"), ("ink.tif", "4 channels of SEPARATED")):
        with pytest.raises(BadInput, match=rf"{name}.*{said}"):
            open_field(tmp_path / name)
    (tmp_path / "text.tif").write_text("no image")
    with pytest.raises(BadInput, match=r"text\.tif: is damaged"):
        open_field(tmp_path / "text.tif")


def test_a_file_is_normalised_and_grey_is_repeated(tmp_path: Path) -> None:
    plain = Preprocessing(None, 3, (0.5,) * 3, (0.25, 0.5, 1.0))
    grey = DICE.integers(0, 256, (60, 80, 1), dtype=np.uint8)
    file = open_tiled(TiledFile(save_tiled(tmp_path / "a.tif", grey)), plain)
    memory = open_images([plain.resize(grey)], plain)
    assert isinstance(memory, Rasters) and file.channels == 3
    boxes = torch.tensor([[[3, -4, 23, 16]]])
    assert file.read(boxes, 20).equal(memory.read(boxes, 20))
    assert file.overview(5).equal(memory.overview(5))
    assert next(iter(file.metered().overview_blocks(5))).values.equal(memory.overview(5))


@pytest.mark.parametrize(
    "wrong", [np.zeros((60, 80, 3), np.uint16), np.zeros((60, 80, 1), np.uint8)], ids=["deep", "grey"]
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, wrong: np.ndarray) -> None:
    channels = 3 if wrong.shape[2] == 3 else 2
    plain = Preprocessing(None, channels, (0.5,) * channels, (0.25,) * channels)
    with pytest.raises(BadInput, match=r"a\.tif: h.*the model wants"):
        open_tiled(TiledFile(save_tiled(tmp_path / "a.tif", wrong)), plain)
