"""Changes that leave a cell's class as it is: turned, mirrored, shifted, lit or stained a little otherwise.

Batches are changed where they lie, on any device and with any number of channels; every image draws its own change
from one generator. Amounts are in units of the batch's values: after ``Preprocessing.normalise``, an ``offset`` of 0.1
is a tenth of the training images' standard deviation, whatever the modality.
"""

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from saccade.core.errors import BadInput

Batch = Float[Tensor, "batch channel height width"]


@dataclass(frozen=True)
class Augmentation:
    """How much images may be changed; a field at zero (or false) is switched off, all at zero change nothing.

    >>> images = torch.rand(2, 3, 8, 8)
    >>> torch.equal(Augmentation()(images, torch.Generator().manual_seed(0)), images)
    True

    Args:
        flip: Mirror left-right and up-down, each with probability one half; exact.
        quarter_turns: Turn by 0, 90, 180 or 270 degrees, by 0 or 180 where images are not square; exact.
        rotation: Turn by up to this many degrees either way.
        scale: Enlarge or shrink by up to this share: 0.1 is a factor of 1/1.1 to 1.1.
        shift: Move by up to this share of the side, along each axis.
        warped: Share of the images that are turned, scaled and moved at all. Resampling blurs, and a network that
            never saw a sharp image in training fails on the sharp ones it is tested with.
        brightness: Add up to this much either way, the same to all channels.
        contrast: Stretch around the image's mean by a factor of up to 1 + this, or its inverse.
        gain: Stretch each channel around its mean by such a factor of its own.
        offset: Add up to this much either way to each channel, as stains and cameras do.
    """

    flip: bool = False
    quarter_turns: bool = False
    rotation: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    warped: float = 1.0
    brightness: float = 0.0
    contrast: float = 0.0
    gain: float = 0.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value) or value < 0:
                raise BadInput(f"augmentation {field.name} is {value}", "give zero or more")

    def __call__(self, images: Batch, generator: torch.Generator) -> Batch:
        """The batch, changed; the same generator state gives the same changes."""
        if self.flip:
            images = flipped(images, generator)
        if self.quarter_turns:
            images = quarter_turned(images, generator)
        if self.rotation or self.scale or self.shift:
            images = self._some_warped(images, generator)
        if self.brightness or self.contrast:
            images = relit(images, self.brightness, self.contrast, (1, 2, 3), generator)
        if self.gain or self.offset:
            images = relit(images, self.offset, self.gain, (2, 3), generator)
        return images

    def _some_warped(self, images: Batch, generator: torch.Generator) -> Batch:
        """The batch, with the chosen share of it resampled."""
        chosen = _uniform((len(images),), images, generator) < 2 * self.warped - 1
        if not chosen.any():
            return images
        changed = warped(images[chosen], self.rotation, self.scale, self.shift, generator)
        return images.index_put((chosen,), changed)


def flipped(images: Batch, generator: torch.Generator) -> Batch:
    """Each image mirrored left-right or not, and up-down or not."""
    for axis in (-1, -2):
        chosen = _uniform((len(images), 1, 1, 1), images, generator) > 0
        images = torch.where(chosen, images.flip(axis), images)
    return images


def quarter_turned(images: Batch, generator: torch.Generator) -> Batch:
    """Each image turned by a random number of quarter turns; half turns where it is not square."""
    turns = torch.randint(4, (len(images),), generator=generator, device=generator.device).to(images.device)
    square = images.shape[-1] == images.shape[-2]
    turned = images
    for count in (1, 2, 3) if square else (2,):
        chosen = turns == count if square else turns >= 2
        turned = torch.where(chosen[:, None, None, None], images.rot90(count, (-2, -1)), turned)
    return turned


def warped(images: Batch, rotation: float, scale: float, shift: float, generator: torch.Generator) -> Batch:
    """Each image turned, scaled and moved about its centre in one resampling; edges are reflected.

    Cost: one bilinear look-up per pixel and channel, O(batch channel height width).
    """
    count, _, height, width = images.shape
    draws = _uniform((4, count), images, generator)
    angle = draws[0] * math.radians(rotation)
    factor = (1 + scale) ** -draws[1]  # the grid says where pixels come from: the inverse
    cos, sin = factor * angle.cos(), factor * angle.sin()
    moves = 2 * shift * draws[2:]
    across = torch.stack([cos, -sin * (height / width), moves[0]], dim=1)  # the grid's axes run -1..1, not in pixels
    down = torch.stack([sin * (width / height), cos, moves[1]], dim=1)
    grid = F.affine_grid(torch.stack([across, down], dim=1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def relit(images: Batch, offset: float, gain: float, axes: tuple[int, ...], generator: torch.Generator) -> Batch:
    """Values stretched around their mean over ``axes`` by a factor of (1 + gain)^u, plus offset v; u, v in [-1, 1]."""
    shape = [1 if axis in axes else length for axis, length in enumerate(images.shape)]
    stretch = (1 + gain) ** _uniform(shape, images, generator)
    added = offset * _uniform(shape, images, generator)
    mean = images.mean(axes, keepdim=True)
    return (images - mean) * stretch + (mean + added)


def _uniform(shape: tuple[int, ...] | list[int], like: Tensor, generator: torch.Generator) -> Tensor:
    """Numbers from -1 to 1, drawn where the generator lives and brought to the images."""
    draws = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float32)
    return (2 * draws - 1).to(like)
