"""All pixels of many images in one tensor, as they were stored; filled once, image by image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
import torch
from jaxtyping import Int, Num
from torch import Tensor

from saccade.core.errors import BadInput


@dataclass(frozen=True, eq=False)
class PixelStore:
    """All pixels of many images in one tensor, so that one look-up gathers patches from any of them.

    Attributes:
        pixels: The images end to end, each row by row; the channels of a pixel lie side by side.
        start: Where each image begins.
        height: Rows of each.
        width: Columns of each.
    """

    pixels: Num[Tensor, "pixel channel"]
    start: Int[Tensor, " image"]
    height: Int[Tensor, " image"]
    width: Int[Tensor, " image"]

    @classmethod
    def of(cls, images: Sequence[np.ndarray]) -> "PixelStore":
        """From arrays of height × width × channel, of one type and number of channels.

        Several are copied, once; one alone is shared, and must stay as it is while the store is in use.

        Raises:
            BadInput: There are none, or they differ in more than their size.
        """
        kinds = {(image.dtype, image.shape[2]) for image in images}
        if len(kinds) != 1:
            found = ", ".join(f"{channels} channels of {dtype}" for dtype, channels in sorted(kinds, key=str))
            raise BadInput(f"images of different kinds: {found or 'none at all'}", "convert them to one")
        if len(images) == 1 and images[0].flags.c_contiguous and images[0].flags.writeable:
            height, width, channels = images[0].shape
            places = (torch.tensor([each]) for each in (0, height, width))
            return cls(torch.from_numpy(images[0].reshape(-1, channels)), *places)
        filling = FillingStore(len(images), room=sum(image.shape[0] * image.shape[1] for image in images))
        for index, image in enumerate(images):
            filling.put(index, image)
        return filling.store()

    def __len__(self) -> int:
        """Images held."""
        return len(self.start)

    def take(self, rows: Int[Tensor, " chosen"]) -> "PixelStore":
        """Some of the images; no pixel is copied."""
        return replace(self, start=self.start[rows], height=self.height[rows], width=self.width[rows])

    def to(self, device: torch.device | str) -> "PixelStore":
        """The same on another device."""
        fields = (self.pixels, self.start, self.height, self.width)
        return PixelStore(*(field.to(device) for field in fields))

    def image(self, row: int) -> Num[Tensor, "height width channel"]:
        """One image, as a view."""
        start, height, width = (int(each[row]) for each in (self.start, self.height, self.width))
        return self.pixels[start : start + height * width].view(height, width, -1)


class FillingStore:
    """A ``PixelStore`` in the making, that images are copied into as they come, in any order and from any thread.

    Loading so holds the pixels once, and one image more: a list of images and the store made of it would hold them
    twice. Images lie in the order in which they came.

    Memory: where the room is used up, an eighth more is added in place; the last of it is given back at the end. (Large
    blocks are moved by the system's page table, where it has one to move, and not copied.)

    >>> filling = FillingStore(2)
    >>> filling.put(1, np.ones((2, 3, 1), np.uint8)); filling.put(0, np.zeros((1, 1, 1), np.uint8))
    >>> store = filling.store()
    >>> store.image(1).shape, len(store.pixels)
    (torch.Size([2, 3, 1]), 7)

    Args:
        count: Images to come.
        room: Pixels to make room for, where it is known how many will come.
    """

    def __init__(self, count: int, room: int = 0) -> None:
        self._places = torch.zeros(count, 3, dtype=torch.long)  # start, height, width
        self._pixels: np.ndarray | None = None
        self._room, self._used, self._lock = room, 0, Lock()

    def put(self, index: int, image: np.ndarray) -> None:
        """Copy an image of height × width × channel.

        Raises:
            BadInput: It has another type or number of channels than the first that came.
        """
        with self._lock:
            start, end = self._used, self._used + image.shape[0] * image.shape[1]
            pixels = self._with_room(end, image)
            pixels[start:end] = image.reshape(-1, image.shape[2])
            self._places[index] = torch.tensor([start, *image.shape[:2]])
            self._used = end

    def store(self) -> PixelStore:
        """What has come, which must be all images; nothing can be put in after that.

        Raises:
            BadInput: There are none.
        """
        if self._pixels is None:
            raise BadInput("images of different kinds: none at all", "give at least one image")
        pixels, self._pixels = self._pixels, None
        pixels.resize((self._used, pixels.shape[1]), refcheck=False)
        return PixelStore(torch.from_numpy(pixels), *self._places.unbind(1))

    def _with_room(self, end: int, image: np.ndarray) -> np.ndarray:
        """The pixels so far, with room for ``end`` in all, of the image's kind."""
        if self._pixels is None:
            self._pixels = np.empty((max(self._room, end), image.shape[2]), image.dtype)
        pixels = self._pixels
        if (pixels.dtype, pixels.shape[1]) != (image.dtype, image.shape[2]):
            found = [f"{each.shape[-1]} channels of {each.dtype}" for each in (pixels, image)]
            raise BadInput(f"images of different kinds: {', '.join(found)}", "convert them to one")
        if end > len(pixels):
            pixels.resize((end + end // 8, pixels.shape[1]), refcheck=False)
        return pixels
