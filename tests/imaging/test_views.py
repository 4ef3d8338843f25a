"""Views against copies: the image mirrored, or cut out and enlarged, as a whole."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.rasters import Rasters
from saccade.imaging.views import FieldAugmentation, FieldChanges, RasterView, between, mirrored
from tests.imaging.miniature_pictures import as_they_are, picture


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth(height: int, width: int) -> np.ndarray:
    """An image without detail finer than some pixels, as optics makes them: interpolations of it agree."""
    return cv2.GaussianBlur(picture(height, width).astype(np.float32), (0, 0), 2.5).reshape(height, width, 3)


def rasters(*images: np.ndarray) -> Rasters:
    return Rasters(PixelStore.of(images), as_they_are)


def changes(
    count: int = 1, mirror: tuple[bool, bool] = (False, False), zoom: float = 1.0, origin: tuple[float, float] = (0, 0)
) -> FieldChanges:
    return FieldChanges(
        torch.tensor([mirror] * count),
        torch.full((count,), zoom, dtype=torch.float64),
        torch.tensor([origin] * count, dtype=torch.float64),
        torch.ones(count, dtype=torch.float64),
    )


BOXES = torch.tensor([[[-7, -3, 5, 9], [2, 4, 14, 16], [15, 12, 27, 24], [60, -40, 72, -28]]])


@given(
    flip_x=st.booleans(),
    flip_y=st.booleans(),
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    factor=st.integers(1, 7),
    kind=st.sampled_from([np.uint8, np.uint16, np.float32]),
)
def test_a_mirrored_view_is_a_view_of_the_mirrored_image(
    flip_x: bool, flip_y: bool, height: int, width: int, factor: int, kind: type
) -> None:
    image = picture(height, width, kind=kind)
    copy = image[:: -1 if flip_y else 1, :: -1 if flip_x else 1]
    view, plain = RasterView(rasters(image), changes(mirror=(flip_x, flip_y))), rasters(copy)
    assert view.overview(factor).equal(plain.overview(factor))
    assert view.read(BOXES, 12).equal(plain.read(BOXES, 12))
    assert view.inside(factor).equal(plain.inside(factor)) and view.extents.equal(plain.extents)
    assert torch.equal(view.cost().pixels_looked, plain.cost().pixels_looked)
    assert torch.equal(view.cost().pixels_read, plain.cost().pixels_read)


def test_mirroring_in_a_batch_of_several_sizes() -> None:
    images = picture(20, 33, seed=1), picture(26, 17, seed=2)
    drawn = replace(changes(2), mirror=torch.tensor([[True, False], [False, True]]))
    view, plain = RasterView(rasters(*images), drawn), rasters(images[0][:, ::-1], images[1][::-1])
    boxes = BOXES.expand(2, -1, -1)
    assert view.overview(5).equal(plain.overview(5)) and view.read(boxes, 12).equal(plain.read(boxes, 12))
    second = view.take(torch.tensor([1]))
    assert second.read(BOXES, 12).equal(plain.read(boxes, 12)[1:]) and second.cost().reads.tolist() == [4]


def enlarged(image: np.ndarray, zoom: float, origin: tuple[float, float]) -> np.ndarray:
    """The plain way: every pixel of the view, by OpenCV's warp of the whole image."""
    height, width = image.shape[:2]
    matrix = np.array([[1 / zoom, 0, origin[0] + 0.5 / zoom - 0.5], [0, 1 / zoom, origin[1] + 0.5 / zoom - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("mirror", [(False, False), (True, False), (True, True)])
def test_an_enlarged_view_is_the_enlarged_image(mirror: tuple[bool, bool]) -> None:
    image = smooth(60, 80)
    zoom, origin = 1.25, (9.3, 4.8)
    copy = enlarged(image, zoom, origin)[:: -1 if mirror[1] else 1, :: -1 if mirror[0] else 1]
    view, plain = RasterView(rasters(image), changes(1, mirror, zoom, origin)), rasters(copy)
    boxes = torch.tensor([[[0, 0, 12, 12], [30, 20, 42, 32], [68, 48, 80, 60], [-5, -5, 7, 7]]])
    spread = image.std()
    # OpenCV keeps a thirty-second of a pixel
    assert (view.read(boxes, 12) - plain.read(boxes, 12)).abs().max() < 0.1 * spread
    for factor in (4, 5, 7):
        off = (view.overview(factor) - plain.overview(factor)).abs()
        assert off.max() < 0.25 * spread and view.overview(factor).shape == plain.overview(factor).shape


def test_a_crop_of_whole_pixels_resized_back() -> None:
    """As published: cut out, resized by OpenCV. At the crop's edge it repeats pixels where the view has neighbours."""
    image = smooth(60, 80)
    copy = torch.from_numpy(cv2.resize(image[10:55, 8:68], (80, 60), interpolation=cv2.INTER_LINEAR))
    view = RasterView(rasters(image), changes(zoom=4 / 3, origin=(8, 10)))
    found = view.read(torch.tensor([[[10, 0, 70, 60]]]), 60)[0, 0].permute(1, 2, 0)
    assert (found - copy[:, 10:70])[1:-1].abs().max() < 1e-3


def test_no_change_is_the_image_itself() -> None:
    images = rasters(picture(21, 34))
    assert FieldAugmentation()(images, seeded(0)) is images
    view = RasterView(images, changes())
    assert view.overview(5).equal(images.overview(5)) and view.read(BOXES, 12).equal(images.read(BOXES, 12))
    assert isinstance(view, Images)


def test_a_batch_of_sharp_and_enlarged_views() -> None:
    images = rasters(picture(40, 50, seed=1), picture(40, 50, seed=2))
    drawn = replace(changes(2), zoom=torch.tensor([1.0, 1.2], dtype=torch.float64))
    both, boxes = RasterView(images, drawn), BOXES.expand(2, -1, -1)
    assert both.read(boxes, 12)[:1].equal(images.read(boxes, 12)[:1])
    assert both.overview(5)[:1].equal(images.overview(5)[:1])
    alone = RasterView(images, replace(changes(2, zoom=1.2)))
    assert both.read(boxes, 12)[1:].equal(alone.read(boxes, 12)[1:])


@pytest.mark.parametrize("zoom", [1.0, 1.3])
def test_reading_touches_no_more_than_it_needs(zoom: float) -> None:
    """Everything else is poisoned: one touch, and the patch would hold what is not a number."""
    image = np.full((200, 200, 1), np.nan, np.float32)
    first, last = 20 + 50 / zoom, 20 + 70 / zoom
    image[int(first) - 1 : int(last) + 2, int(first) - 1 : int(last) + 2] = 1
    view = RasterView(rasters(image), changes(1, zoom=zoom, origin=(20, 20)))
    if zoom == 1:
        view = RasterView(rasters(np.roll(image, (-20, -20), (0, 1))), changes())
    assert (view.read(torch.tensor([[[50, 50, 70, 70]]]), 20) == 1).all()
    assert view.cost().pixels_read.tolist() == [400] and view.cost().pixels_looked.tolist() == [0]


def test_boxes_go_there_and_back() -> None:
    images = rasters(picture(60, 80), picture(40, 90))
    drawn = FieldAugmentation(flip=True, zoom=2.0).draw(images.extents, seeded(3))
    view = RasterView(images, replace(drawn, mirror=torch.tensor([[True, False], [True, True]])))
    boxes = torch.tensor([[[10.0, 12, 30, 20]], [[1.0, 2, 5, 9]]])
    assert torch.allclose(view.to_view(view.to_source(boxes)), boxes, atol=1e-4)
    there = view.to_source(boxes)
    assert (there[..., 2:] > there[..., :2]).all()
    sides = (there[..., 2:] - there[..., :2]) * drawn.zoom[:, None, None]
    assert torch.allclose(sides.float(), boxes[..., 2:] - boxes[..., :2], atol=1e-4)


def test_the_truth_is_seen_where_it_is() -> None:
    """A bright square, found in the view where its box says."""
    image = np.zeros((60, 80, 1), np.float32)
    image[20:30, 44:56] = 1
    boxes = torch.tensor([[[44.0, 20, 56, 30], [0, 0, 4, 4], [torch.nan] * 4]])
    images = Rasters(PixelStore.of([image]), as_they_are, boxes)
    view = RasterView(images, changes(1, (True, False), 2.0, (30.0, 12.0)))
    assert view.boxes is not None
    seen = view.overview(1)[0, 0] > 0.5
    rows, columns = seen.nonzero().T
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert torch.stack(found).tolist() == view.boxes[0, 0].tolist()
    assert view.boxes[0, 1:].isnan().all(), "what the view does not show, and what is none"
    assert RasterView(rasters(image), changes()).boxes is None


def test_contrast_is_that_of_patches_and_overview_alike() -> None:
    images = rasters(np.full((20, 20, 3), 60, np.uint8), np.full((20, 20, 3), 200, np.uint8))
    view = FieldAugmentation(contrast=0.5, middle=100.0)(images, seeded(1))
    assert isinstance(view, RasterView)
    factor = view.changes.contrast
    assert (factor >= 1 / 1.5).all() and (factor <= 1.5).all() and factor[0] != factor[1]
    expected = 100 + (torch.tensor([60.0, 200.0]) - 100) * factor
    boxes = BOXES.expand(2, -1, -1)
    for found in (view.overview(4), view.read(boxes, 12)):
        assert torch.allclose(found.flatten(1).mean(1), expected.float())


def test_draws_come_back_and_stay_within_their_limits() -> None:
    amounts, extents = FieldAugmentation(True, 0.1, 1.5, zoomed=0.5), torch.tensor([[100, 200]] * 400)
    drawn, again = amounts.draw(extents, seeded(5)), amounts.draw(extents, seeded(5))
    assert drawn.origin.equal(again.origin) and drawn.mirror.equal(again.mirror)
    assert drawn.mirror.float().mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.1)
    assert (drawn.zoom == 1).float().mean().item() == pytest.approx(0.5, abs=0.1)
    assert drawn.zoom.min() >= 1 and 1.4 < drawn.zoom.max() <= 1.5
    end = drawn.origin + torch.tensor([200, 100]) / drawn.zoom[:, None]
    assert (drawn.origin >= 0).all() and (end <= torch.tensor([200, 100]) + 1e-9).all()
    assert (drawn.origin[drawn.zoom == 1] == 0).all()
    without = replace(amounts, flip=False).draw(extents, seeded(5))
    assert without.zoom.equal(drawn.zoom) and not without.mirror.any()


@pytest.mark.parametrize(
    "wrong",
    [{"contrast": -0.1}, {"zoom": 0.9}, {"zoomed": 2.0}, {"zoom": float("inf")}, {"middle": float("nan")}],
)
def test_amounts_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="augmentation"):
        FieldAugmentation(**wrong)


def test_a_box_of_another_size_is_refused() -> None:
    with pytest.raises(BadInput, match="2 × 2"):
        RasterView(rasters(picture(4, 4)), changes()).read(torch.tensor([[[0, 0, 3, 2]]]), 2)


def test_positions_beyond_the_edge_stay_on_it() -> None:
    low, high, share = between(torch.tensor([-3.0, 0.2, 2.75, 9.0]), torch.tensor(3))
    assert ((1 - share) * low + share * high).tolist() == [0, 0, 2, 2]


def test_mirrored_copies() -> None:
    image = torch.arange(6).view(2, 3, 1)
    assert mirrored(image, True, False)[..., 0].tolist() == [[2, 1, 0], [5, 4, 3]]
    assert mirrored(image, False, False) is image


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_answers_as_the_cpu_does() -> None:
    store = PixelStore.of([picture(40, 50), picture(30, 60)])
    here = RasterView(
        Rasters(store, as_they_are),
        FieldAugmentation(True, 0.2, 1.3).draw(torch.tensor([[40, 50], [30, 60]]), seeded(0)),
    )
    moved = FieldChanges(*(each.cuda() for each in vars(here.changes).values()))
    there = RasterView(Rasters(store.to("cuda"), as_they_are), moved)
    boxes = BOXES.expand(2, -1, -1).contiguous()
    assert (there.overview(5).cpu() - here.overview(5)).abs().max() <= 1.3, "a step of rounding, in more contrast"
    assert torch.allclose(there.read(boxes.cuda(), 12).cpu(), here.read(boxes, 12), atol=1e-3)
