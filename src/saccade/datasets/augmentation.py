"""Changes that leave a cell's class as it is: turned, mirrored, shifted, lit or stained a little otherwise.

Batches are changed where they lie, on any device and with any number of channels; every image draws its own change
from one generator. Amounts are in units of the batch's values: after ``Preprocessing.normalise``, an ``offset`` of 0.1
is a tenth of the training images' standard deviation, whatever the modality.
"""

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
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
        brightness: Add up to this much either way, the same to all channels.
        contrast: Stretch around the image's mean by a factor of up to 1 + this, or its inverse.
        gain: Stretch each channel around its mean by such a factor of its own.
        offset: Add up to this much either way to each channel, as stains and cameras do.
        warped: Share of the images that rotation, scale and shift apply to. Resampling blurs, and a network that
            never saw a sharp image in training fails on the sharp ones it is tested with.
    """

    flip: bool = False
    quarter_turns: bool = False
    rotation: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    gain: float = 0.0
    offset: float = 0.0
    warped: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value) or value < 0:
                raise BadInput(f"augmentation {field.name} is {value}", "give zero or more")

    def __call__(self, images: Batch, generator: torch.Generator) -> Batch:
        """The batch, changed; the same generator state gives the same changes.

        Every change is drawn, wanted or not, so that switching one off leaves the others as they were.
        """
        count, channels = images.shape[:2]
        moves = _draw_moves(count, self, generator)
        light = _draw_light(count, channels, self, generator)
        images = self._moved(images, moves)
        if self.brightness or self.contrast or self.gain or self.offset:
            images = relit(images, light.to(images.device))
        return images

    def _moved(self, images: Batch, moves: "Moves") -> Batch:
        """Each image mirrored and turned exactly, or all in one resampling where it is bent as well."""
        bends = bool(self.rotation or self.scale or self.shift)
        rows = moves.bent.nonzero()[:, 0] if bends else torch.zeros(0, dtype=torch.long)
        moved = images
        if len(rows) < len(images) and (self.flip or self.quarter_turns):
            moved = quarter_turned(flipped(images, moves.mirror), moves.turns)
        if len(rows) == 0:
            return moved
        places = rows.to(images.device)
        return moved.index_copy(0, places, warped(images[places], moves.rows(rows).to(images.device)))


@dataclass(frozen=True, eq=False)
class Moves:
    """Where each image of a batch is taken to; shift is in shares of width and height.

    Only those that are bent are turned by an angle, scaled and shifted; the others keep their sharp pixels.
    """

    mirror: Bool[Tensor, "batch 2"]
    turns: Int[Tensor, "batch"]
    angle: Float[Tensor, "batch"]
    factor: Float[Tensor, "batch"]
    shift: Float[Tensor, "batch 2"]
    bent: Bool[Tensor, "batch"]

    def rows(self, rows: Int[Tensor, "chosen"]) -> "Moves":
        """Those of some images."""
        return Moves(*(getattr(self, field.name)[rows] for field in fields(self)))

    def to(self, device: torch.device) -> "Moves":
        """The same on another device."""
        return Moves(*(getattr(self, field.name).to(device) for field in fields(self)))


@dataclass(frozen=True, eq=False)
class Light:
    """How each image's values are stretched and moved: all channels alike, and each by itself."""

    contrast: Float[Tensor, "batch 1 1 1"]
    brightness: Float[Tensor, "batch 1 1 1"]
    gain: Float[Tensor, "batch channel 1 1"]
    offset: Float[Tensor, "batch channel 1 1"]

    def to(self, device: torch.device) -> "Light":
        """The same on another device."""
        return Light(*(getattr(self, field.name).to(device) for field in fields(self)))


def flipped(images: Batch, mirror: Bool[Tensor, "batch 2"]) -> Batch:
    """Each image mirrored left-right where the first is true, up-down where the second is; exact."""
    for column, axis in enumerate((-1, -2)):
        chosen = mirror[:, column].to(images.device)[:, None, None, None]
        images = torch.where(chosen, images.flip(axis), images)
    return images


def quarter_turned(images: Batch, turns: Int[Tensor, "batch"]) -> Batch:
    """Each image turned by so many quarter turns, by 0 or 2 where it is not square; exact."""
    square = images.shape[-1] == images.shape[-2]
    turned = images
    for count in (1, 2, 3) if square else (2,):
        chosen = (turns == count if square else turns >= 2).to(images.device)
        turned = torch.where(chosen[:, None, None, None], images.rot90(count, (-2, -1)), turned)
    return turned


def warped(images: Batch, moves: Moves) -> Batch:
    """Each image mirrored, turned, scaled and moved about its centre in one resampling; edges are reflected.

    The pixel at p (from the centre) comes from F Q (s R p + t): mirroring F, quarter turns Q, rotation R, factor s and
    shift t. With R, s and t at nothing it is ``quarter_turned(flipped(images))``.

    Cost: one bilinear look-up per pixel and channel, O(batch channel height width).
    """
    height, width = images.shape[-2:]
    turns = moves.turns if height == width else moves.turns // 2 * 2
    mirrors = 1.0 - 2.0 * moves.mirror.float()
    quarter = _rotations(turns * (math.pi / 2)) * mirrors[:, :, None]
    lengths = torch.tensor([width, height], device=images.device)
    linear = quarter @ _rotations(moves.angle) * moves.factor[:, None, None]
    linear = linear * (lengths / lengths[:, None])  # grid_sample counts from -1 to 1 along either axis
    shift = 2 * (quarter @ (moves.shift * lengths)[:, :, None]) / lengths[:, None]
    grid = F.affine_grid(torch.cat([linear, shift], dim=2).to(images), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def relit(images: Batch, light: Light) -> Batch:
    """Values stretched around the image's mean, then around each channel's, with what is added; in one pass.

    x' = (x - m) contrast + m + brightness with the image's mean m, then x'' = (x' - m') gain + m' + offset with the
    channel's mean m' after the first.
    """
    channel = images.mean((2, 3), keepdim=True)
    image = channel.mean(1, keepdim=True)
    lit = (channel - image) * light.contrast + image + light.brightness
    stretch = light.contrast * light.gain
    return torch.addcmul(lit + light.offset - channel * stretch, images, stretch)


def _draw_moves(count: int, amounts: Augmentation, generator: torch.Generator) -> Moves:
    coins = _uniform((count, 3), generator)
    draws = _uniform((count, 4), generator)
    return Moves(
        mirror=(coins[:, :2] > 0) & amounts.flip,
        turns=((coins[:, 2] + 1) * 2).long().clamp(max=3) * int(amounts.quarter_turns),
        angle=draws[:, 0] * math.radians(amounts.rotation),
        factor=(1 + amounts.scale) ** -draws[:, 1],  # where pixels come from is the inverse of where they go
        shift=draws[:, 2:] * amounts.shift,
        bent=torch.rand(count, generator=generator, device=generator.device) < amounts.warped,
    )


def _draw_light(count: int, channels: int, amounts: Augmentation, generator: torch.Generator) -> Light:
    whole = _uniform((2, count, 1, 1, 1), generator)
    each = _uniform((2, count, channels, 1, 1), generator)
    return Light(
        contrast=(1 + amounts.contrast) ** whole[0],
        brightness=amounts.brightness * whole[1],
        gain=(1 + amounts.gain) ** each[0],
        offset=amounts.offset * each[1],
    )


def _rotations(angles: Float[Tensor, "batch"]) -> Float[Tensor, "batch 2 2"]:
    """The matrices that turn (x, y) by these angles; y runs down."""
    cos, sin = angles.cos(), angles.sin()
    return torch.stack([torch.stack([cos, -sin], dim=1), torch.stack([sin, cos], dim=1)], dim=1)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Float[Tensor, "..."]:
    """Numbers from -1 to 1, drawn where the generator lives."""
    return 2 * torch.rand(shape, generator=generator, device=generator.device) - 1
