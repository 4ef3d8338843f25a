"""Images in memory against plain loops: padded by numpy and cut out, averaged by torch's pooling."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.imaging.rasters import FillingStore, PixelStore, Rasters, gather_stored, pixels_at, reduced
from saccade.models.parts.field_look import log_probabilities

KINDS = [np.uint8, np.uint16, np.float32]


def picture(height: int, width: int, channels: int = 3, kind: type = np.uint8, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random((height, width, channels)) * 250).astype(kind)


def as_they_are(values: torch.Tensor) -> torch.Tensor:
    return values.float()


def cut(image: np.ndarray, x: int, y: int, size: int) -> np.ndarray:
    """The plain way: pad the whole image by reflection, cut the box out."""
    margin = 40
    for axis in (0, 1):
        widths = [(margin, margin) if each == axis else (0, 0) for each in range(3)]
        image = np.pad(image, widths, mode="edge" if image.shape[axis] == 1 else "reflect")
    return image[y + margin : y + margin + size, x + margin : x + margin + size]


@given(
    sizes=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=3),
    corners=st.lists(st.tuples(st.integers(-30, 30), st.integers(-30, 30)), min_size=1, max_size=4),
    size=st.integers(1, 9),
    channels=st.sampled_from([1, 3, 5]),
    kind=st.sampled_from(KINDS),
)
def test_patches_are_cut_from_the_padded_image(
    sizes: list[tuple[int, int]], corners: list[tuple[int, int]], size: int, channels: int, kind: type
) -> None:
    """Images of several sizes in one batch, one of a single pixel too; boxes on edges and wholly outside."""
    images = [picture(*each, channels, kind, seed) for seed, each in enumerate(sizes)]
    boxes = torch.tensor([[[x - row, y, x - row + size, y + size] for x, y in corners] for row in range(len(images))])
    store = PixelStore.of(images)
    patches = gather_stored(store, boxes, size)
    assert patches.dtype == store.pixels.dtype
    for row, image in enumerate(images):
        for site, (x, y) in enumerate(corners):
            assert np.array_equal(patches[row, site].permute(1, 2, 0).numpy(), cut(image, x - row, y, size))


@pytest.mark.parametrize("room", [0, 5, 10_000])
def test_a_store_is_filled_in_any_order(room: int) -> None:
    images = [picture(9 + 30 * seed, 7 + seed, seed=seed) for seed in range(5)]
    filling = FillingStore(5, room)
    for index in (3, 0, 4, 2, 1):
        filling.put(index, images[index])
    store = filling.store()
    assert len(store.pixels) == sum(image.shape[0] * image.shape[1] for image in images), "no room is left over"
    for row, image in enumerate(images):
        assert np.array_equal(store.image(row).numpy(), image)
    assert store.image(3).data_ptr() == store.pixels.data_ptr(), "it came first"


@pytest.mark.parametrize("writeable", [True, False])
def test_one_image_alone_is_shared_where_it_can_be(writeable: bool) -> None:
    image = picture(5, 7, 3)
    image.flags.writeable = writeable
    store = PixelStore.of([image])
    assert store.image(0).equal(torch.tensor(image)) and store.start.tolist() == [0]
    assert (store.pixels.numpy().ctypes.data == image.ctypes.data) == writeable


def test_a_store_is_of_one_kind() -> None:
    filling = FillingStore(2)
    filling.put(0, picture(9, 7))
    for other in (picture(9, 7, channels=1), picture(9, 7, kind=np.uint16)):
        with pytest.raises(BadInput, match="3 channels of uint8"):
            filling.put(1, other)
    with pytest.raises(BadInput, match="none at all"):
        FillingStore(0).store()


def test_filling_a_store_holds_the_pixels_once() -> None:
    """Without room made beforehand, images that come one by one take little more than they have."""

    def images() -> Iterator[np.ndarray]:
        yield from (np.full((200, 500 + 10 * seed, 3), seed, np.uint8) for seed in range(40))

    filling, total = FillingStore(40), sum(image.nbytes for image in images())
    tracemalloc.start()
    for index, image in enumerate(images()):
        filling.put(index, image)
    store = filling.store()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert store.pixels.nbytes == total and store.image(39).unique().tolist() == [39]
    assert total < peak < 1.25 * total


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


@given(
    height=st.integers(1, 23),
    width=st.integers(1, 23),
    factor=st.integers(1, 9),
    channels=st.sampled_from([1, 2, 3, 4, 5]),
    kind=st.sampled_from(KINDS),
)
def test_overviews_are_means_of_blocks(height: int, width: int, factor: int, channels: int, kind: type) -> None:
    """The last, partial blocks over what they have; 8 bits are rounded, halves up."""
    image = picture(height, width, channels, kind)
    values = torch.from_numpy(image.astype(np.float64)).permute(2, 0, 1)[None]
    expected = F.avg_pool2d(values, factor, ceil_mode=True, count_include_pad=False)[0].permute(1, 2, 0)
    found = reduced(torch.from_numpy(image), factor)
    assert found.shape == expected.shape
    if kind == np.uint8:
        assert found.dtype == torch.uint8
        assert torch.equal(found, (expected + 0.5 + 1e-9).floor().to(torch.uint8))
    else:
        assert torch.allclose(found.double(), expected, rtol=1e-6)


@pytest.mark.parametrize("factor", [11, 12, 181, 300])
def test_means_of_large_blocks_are_exact(factor: int) -> None:
    """Sums beyond 16 bits, and means that lie on a half or just beside one."""
    image = torch.full((factor, 2 * factor, 1), 255, dtype=torch.uint8)
    below = factor**2 // 2 + 1
    image[:, :factor].view(factor, factor)[:] = (torch.arange(factor**2) >= below).view(factor, factor) * 255
    share = 255 * (factor**2 - below) / factor**2
    assert reduced(image, factor).flatten().tolist() == [int(share + 0.5), 255]


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


def test_images_of_different_kinds_are_refused() -> None:
    for images, message in (
        ([picture(4, 4), picture(4, 4, 1)], "1 channels of uint8, 3 channels of uint8"),
        ([picture(4, 4), picture(4, 4, kind=np.uint16)], "3 channels of uint16, 3 channels of uint8"),
        ([], "none at all"),
    ):
        with pytest.raises(BadInput, match=message) as caught:
            PixelStore.of(images)
        assert "\n" not in str(caught.value) and caught.value.remedy


def test_a_box_of_another_size_is_refused() -> None:
    with pytest.raises(BadInput, match="2 × 2"):
        Rasters(PixelStore.of([picture(4, 4)]), as_they_are).read(torch.tensor([[[0, 0, 3, 2]]]), 2)


def test_pixels_where_rows_and_columns_cross() -> None:
    image = picture(5, 6)
    found = pixels_at(PixelStore.of([image]), torch.tensor([[[4, 0]]]), torch.tensor([[[1, 1, 5]]]))
    assert np.array_equal(found[0, 0].permute(1, 2, 0).numpy(), image[[4, 0]][:, [1, 1, 5]])


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
