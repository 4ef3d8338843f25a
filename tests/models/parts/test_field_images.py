"""Parts of a batch, and all pixels of it, whatever it is kept in."""

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.core.results import Cost
from saccade.imaging.stack import Stack
from saccade.models.parts.field_images import equal_groups, opened, rows_of, taken, whole_sites
from tests.models.miniature_fields import fields


class OnlyBoxes:
    """Images that answer the protocol and nothing else, as those in a file do."""

    def __init__(self, values: torch.Tensor) -> None:
        self.stack = Stack(values)
        self.extents = self.stack.extents

    def __len__(self) -> int:
        return len(self.stack)

    def overview(self, factor: int) -> torch.Tensor:
        return self.stack.overview(factor)

    def inside(self, factor: int) -> torch.Tensor:
        return self.stack.inside(factor)

    def read(self, boxes: torch.Tensor, size: int) -> torch.Tensor:
        return self.stack.read(boxes, size)

    def metered(self) -> "OnlyBoxes":
        return OnlyBoxes(self.stack.values)

    def cost(self) -> Cost:
        return self.stack.cost()


@pytest.mark.parametrize(("height", "width"), [(5, 9), (300, 20), (20, 300), (256, 256), (1, 1)])
def test_tiles_make_the_whole_image(height: int, width: int) -> None:
    values = torch.randn(2, 3, height, width)
    images = OnlyBoxes(values)
    assert rows_of(images)(0, height).equal(values)
    side = min(256, max(height, width))
    counted = -(-height // side) * -(-width // side) * side**2
    assert images.cost().pixels_read.tolist() == [counted] * 2


def test_stacks_and_rasters_are_charged_once_for_any_rows() -> None:
    values = torch.randn(2, 3, 8, 9)
    rasters = fields(((8, 9), (8, 9)))
    pixels = torch.stack([rasters.store.image(row) for row in range(2)]).permute(0, 3, 1, 2) / 64 - 2
    for images, wanted in ((Stack(values), values), (rasters, pixels)):
        rows = rows_of(images)
        assert rows(2, 7).equal(wanted[:, :, 2:7])
        assert rows(0, 8).equal(wanted)
        assert images.cost().pixels_read_fraction.tolist() == [1.0, 1.0]


def test_batches_are_taken_apart() -> None:
    images = fields()
    some = taken(images, torch.tensor([2, 0]))
    assert some.extents.tolist() == [[5, 7], [40, 52]]
    assert taken(Stack(torch.zeros(3, 1, 4, 4)), torch.tensor([1])).extents.tolist() == [[4, 4]]
    filed = OnlyBoxes(torch.zeros(2, 1, 4, 4))
    assert len(taken(filed, torch.tensor([0, 1]))) == 2
    with pytest.raises(BadInput, match="apart"):
        taken(filed, torch.tensor([0]))
    groups = equal_groups(torch.tensor([[4, 5], [5, 4], [4, 5]]))
    assert sorted(each.tolist() for each in groups) == [[0, 2], [1]]


def test_opened_images_have_a_meter_at_zero_and_the_right_channels() -> None:
    images = fields()
    images.overview(4)
    assert opened(images, 3).cost().pixels_looked.tolist() == [0] * 3
    with pytest.raises(BadInput, match="3 channels were given to a model of 2"):
        opened(images, 2)


def test_a_whole_image_is_one_site() -> None:
    sites = whole_sites(torch.tensor([[4, 6], [3, 2]]))
    assert sites.boxes.tolist() == [[[0, 0, 6, 4]], [[0, 0, 2, 3]]]
    assert sites.weights.tolist() == [[1.0], [1.0]]
