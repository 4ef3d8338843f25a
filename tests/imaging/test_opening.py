import numpy as np
import torch

from saccade.imaging.opening import open_images, some_of
from saccade.imaging.preprocessing import Preprocessing
from saccade.imaging.rasters import Rasters

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
