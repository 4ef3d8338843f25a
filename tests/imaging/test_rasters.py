"""Images in memory as a model asks for them, against the same pixels cut and averaged one by one."""

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.imaging.gathering import gather_stored
from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.rasters import Rasters
from saccade.models.parts.field_look import log_probabilities
from tests.imaging.miniature_pictures import as_they_are, cut, picture


def test_some_rows_of_a_batch() -> None:
    images = [picture(9, 7, seed=0), picture(5, 11, seed=1), picture(8, 8, seed=2)]
    store = PixelStore.of(images)
    chosen = store.take(torch.tensor([2, 0]))
    assert len(chosen) == 2 and chosen.pixels.data_ptr() == store.pixels.data_ptr()
    assert np.array_equal(chosen.image(0).numpy(), images[2])
    boxes = torch.tensor([[[1, 2, 5, 6]], [[2, 1, 6, 5]]])
    assert np.array_equal(gather_stored(chosen, boxes, 4)[1, 0].permute(1, 2, 0).numpy(), images[0][1:5, 2:6])
    taken = Rasters(store, as_they_are, torch.arange(12.0).view(3, 1, 4)).take(torch.tensor([2, 0]))
    assert taken.boxes is not None and taken.boxes[0, 0].tolist() == [8, 9, 10, 11]
    assert taken.extents.tolist() == [[8, 8], [9, 7]]


def test_images_of_several_sizes_are_continued_by_their_edges() -> None:
    small, large = picture(10, 12), picture(20, 16)
    images = Rasters(PixelStore.of([small, large]), as_they_are)
    view, inside = images.overview(4), images.inside(4)
    assert view.shape == (2, 3, 5, 4) and inside.shape == (2, 5, 4)
    alone = Rasters(PixelStore.of([small]), as_they_are).overview(4)
    assert view[:1, :, :3, :3].equal(alone)
    assert view[0, :, 3].equal(view[0, :, 2]) and view[0, :, :, 3].equal(view[0, :, :, 2])
    assert inside[0].nonzero().max(0).values.tolist() == [2, 2] and inside[0].sum() == 9 and inside[1].all()


def test_the_meter_counts_what_is_handed_out() -> None:
    images = Rasters(PixelStore.of([picture(10, 12), picture(20, 16)]), as_they_are)
    images.overview(4)
    images.read(torch.zeros(2, 3, 4, dtype=torch.long) + torch.tensor([0, 0, 5, 5]), 5)
    cost = images.cost()
    assert cost.pixels_looked.tolist() == [9, 20]
    assert cost.pixels_read.tolist() == [75, 75] and cost.reads.tolist() == [3, 3]
    assert cost.pixels_total.tolist() == cost.pixels_decoded.tolist() == [120, 320]
    assert images.metered().cost().pixels_looked.tolist() == [0, 0]


def test_values_are_normalised_on_the_way_out() -> None:
    image = picture(9, 9)
    images = Rasters(PixelStore.of([image]), lambda values: values / 255 - 0.5)
    expected = torch.from_numpy(image).permute(2, 0, 1) / 255 - 0.5
    assert images.overview(1)[0].equal(expected)
    assert images.read(torch.tensor([[[2, 1, 5, 4]]]), 3)[0, 0].equal(expected[:, 1:4, 2:5])
    assert isinstance(images, Images) and images.channels == 3 and len(images) == 1


def test_a_field_smaller_than_a_patch_is_mirrored() -> None:
    image = picture(6, 8)
    patch = Rasters(PixelStore.of([image]), as_they_are).read(torch.tensor([[[-4, -5, 12, 11]]]), 16)
    assert np.array_equal(patch[0, 0].permute(1, 2, 0).numpy(), cut(image, -4, -5, 16))


def test_a_field_without_anything_in_it() -> None:
    """Zero variance: nothing to prefer, and no division by it."""
    images = Rasters(PixelStore.of([np.full((20, 20, 3), 7, np.uint8)]), as_they_are)
    view = images.overview(5)
    assert (view == 7).all()
    assert log_probabilities(view[:, 0], images.inside(5)).exp().tolist()[0] == pytest.approx([1 / 16] * 16)


def test_a_box_of_another_size_is_refused() -> None:
    with pytest.raises(BadInput, match="2 × 2"):
        Rasters(PixelStore.of([picture(4, 4)]), as_they_are).read(torch.tensor([[[0, 0, 3, 2]]]), 2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_a_gpu_answers_as_the_cpu_does(channels: int) -> None:
    store = PixelStore.of([picture(23, 17, channels), picture(9, 31, channels)])
    here, there = Rasters(store, as_they_are), Rasters(store.to("cuda"), as_they_are)
    boxes = torch.tensor([[[-3, 2, 5, 10]], [[4, 4, 12, 12]]])
    assert there.overview(4).cpu().equal(here.overview(4))
    assert there.inside(4).cpu().equal(here.inside(4))
    assert there.read(boxes.cuda(), 8).cpu().equal(here.read(boxes, 8))
    assert torch.equal(there.cost().pixels_looked, here.cost().pixels_looked)
