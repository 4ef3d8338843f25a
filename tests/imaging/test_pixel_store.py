"""Stores of pixels: filled in any order, holding them once, of one kind."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.imaging.pixel_store import FillingStore, PixelStore
from tests.imaging.miniature_pictures import picture


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


def test_images_of_different_kinds_are_refused() -> None:
    for images, message in (
        ([picture(4, 4), picture(4, 4, 1)], "1 channels of uint8, 3 channels of uint8"),
        ([picture(4, 4), picture(4, 4, kind=np.uint16)], "3 channels of uint16, 3 channels of uint8"),
        ([], "none at all"),
    ):
        with pytest.raises(BadInput, match=message) as caught:
            PixelStore.of(images)
        assert "\n" not in str(caught.value) and caught.value.remedy
