"""From an image's values to a network's input, as plain numbers that travel with the saved model.

Two steps, so that data can be kept small between them: ``resize`` brings an array to a square of the model's side in
the values of the file, ``normalise`` turns a batch of such values into (value / scale - mean) / std.

The whole image is stretched to the square, nothing is cut off or padded: the centre stays the centre, and a point at
fraction (u, v) of the picture stays at that fraction, which makes the way back to base pixels exact.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import cv2
import numpy as np
import torch
from jaxtyping import Float, Int, Num, Shaped
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.units import alike_mpp, plausible_mpp
from saccade.imaging.image_files import Array, as_image

Kind = Literal["uint8", "uint16", "float32"]
Interpolation = Literal["area", "linear"]

_SCALES = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}


@dataclass(frozen=True)
class Preprocessing:
    """How images become tensors, in numbers and words that JSON can hold.

    A grey image is repeated into three channels for a model of colour images; every other difference in channels,
    and every difference in the kind of values, is refused: 16-bit values read as 8-bit ones would look fine and be
    wrong.

    >>> plain = Preprocessing(size=64, channels=1, mean=(0.5,), std=(0.25,))
    >>> plain(np.full((100, 80, 1), 255, np.uint8)).unique()
    tensor([2.])

    Args:
        size: Side of the square, in pixels; ``None`` leaves images as they are, as fields are.
        channels: Channels of the model's input.
        mean: Mean of each channel after scaling, measured on the training part.
        std: Standard deviation of each channel after scaling, measured there too.
        scale: What a value is divided by first: 255, 65535, or for floats a range of one's own.
        kind: Type of the values in the files.
        mpp: Micrometres per base pixel of the training images, where known.
        interpolation: How pixels are averaged; ``area`` falls back to ``linear`` along an axis that grows.
    """

    size: int | None
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: float = 255.0
    kind: Kind = "uint8"
    mpp: float | None = None
    interpolation: Interpolation = "area"

    def __post_init__(self) -> None:
        if (self.size is not None and self.size < 1) or self.channels < 1:
            raise BadInput(f"size {self.size} with {self.channels} channels has no pixels", "give 1 or more of each")
        if not len(self.mean) == len(self.std) == self.channels:
            counts = f"{len(self.mean)} means and {len(self.std)} standard deviations"
            raise BadInput(f"{counts} for {self.channels} channels", "give one of each per channel")
        if self.scale <= 0 or min(self.std) <= 0:
            raise BadInput("scale and standard deviations must be above zero", "measure them again")
        if self.kind not in _SCALES or self.interpolation not in ("area", "linear"):
            message = f"kind {self.kind!r} with interpolation {self.interpolation!r} is unknown"
            raise BadInput(message, "kinds are uint8, uint16 and float32; interpolations area and linear")
        if self.mpp is not None:
            plausible_mpp(self.mpp)

    @classmethod
    def like(cls, image: Array, size: int | None, channels: int | None = None, **options: Any) -> "Preprocessing":
        """For images like this one, with nothing measured yet: mean 0 and standard deviation 1.

        Args:
            image: An image as it was loaded.
            size: Side of the square; ``None`` leaves images as they are.
            channels: Channels of the model's input; those of the image where not given.
            options: Further fields, such as ``mpp``.
        """
        count: int = image.shape[2] if channels is None else channels
        kind = str(image.dtype)
        settings = {"scale": _SCALES.get(kind, 1.0), "kind": kind, **options}
        return cls(size=size, channels=count, mean=(0.0,) * count, std=(1.0,) * count, **settings)

    @classmethod
    def fit(cls, images: Iterable[np.ndarray], size: int, **options: Any) -> "Preprocessing":
        """Measure mean and standard deviation on images of any size; hand in the training part only."""
        arrays = [as_image(image, f"image {index}") for index, image in enumerate(images)]
        if not arrays:
            raise BadInput("there are no images to measure", "hand in the training part")
        plain = cls.like(arrays[0], size, **options)
        resized = np.stack([plain.resize(image, f"image {index}") for index, image in enumerate(arrays)])
        return plain.fitted([to_tensor(resized)])

    def fitted(self, batches: Iterable[Num[Tensor, "batch channel height width"]]) -> "Preprocessing":
        """The same with mean and standard deviation measured on resized values; a constant channel gets 1."""
        count, mean, spread = 0, torch.zeros(self.channels).double(), torch.zeros(self.channels).double()
        for batch in batches:
            values = batch.double().transpose(0, 1).flatten(1)  # (channel, pixel)
            added, change = values.shape[1], values.mean(1) - mean
            count += added
            mean = mean + change * (added / count)
            inside = (values - values.mean(1, keepdim=True)).square().sum(1)
            spread = spread + inside + change.square() * (added * (count - added) / count)  # Chan's combination
        if not count:
            raise BadInput("there are no images to measure", "hand in the training part")
        std = (spread / count).sqrt() / self.scale
        std = torch.where(std > 0, std, torch.ones_like(std))
        return replace(self, mean=tuple((mean / self.scale).tolist()), std=tuple(std.tolist()))

    def __call__(self, image: np.ndarray, source: str = "the array") -> Float[Tensor, "channel rows columns"]:
        """One image of any size, as ``load_image`` returns it, as the network wants it.

        Raises:
            BadInput: Naming ``source``: another number of channels or kind of values than the model was trained on.
        """
        return self.normalise(to_tensor(self.resize(as_image(image, source), source)[None]))[0]

    def resize(self, image: Array, source: str = "the array") -> Shaped[np.ndarray, "rows columns {self.channels}"]:
        """The image as a square of the model's side and channels, in the values and type of the file.

        Without a size it keeps its own.
        """
        self.check(image.dtype, image.shape[2], source)
        resized = image if self.size is None else _stretched(image, self.size, self.interpolation)
        return np.repeat(resized, self.channels, axis=2) if resized.shape[2] < self.channels else resized

    def check(self, dtype: np.dtype, channels: int, source: str = "the array") -> None:
        """Refuse images of another kind of values or number of channels than the model was trained on.

        Raises:
            BadInput: Naming ``source``.
        """
        if str(dtype) != self.kind:
            message = f"holds {dtype} values, the model wants {self.kind}"
            raise BadInput(message, f"save it as {self.kind}, as the training images were", source)
        if channels not in (self.channels, 1) or (channels == 1 and self.channels not in (1, 3)):
            message = f"has {_count(channels)}, the model wants {self.channels}"
            raise BadInput(message, "convert the image, or train with its number of channels", source)

    def mpp_doubt(self, stated: float | None) -> str:
        """What to tell of an image that states another resolution than the model was trained at; else nothing.

        Told and not refused, for what a file states may be wrong, and a recipe or manifest may have overruled it.
        """
        if stated is None or self.mpp is None or alike_mpp(stated, self.mpp):
            return ""
        return f"states {stated:.4g} micrometres per pixel, the model was trained at {self.mpp:.4g}"

    def normalise(
        self, values: Num[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel height width"]:
        """A batch of resized values as float32 with the measured mean and deviation taken out."""
        mean = torch.tensor(self.mean, dtype=torch.float64)
        std = torch.tensor(self.std, dtype=torch.float64)
        gain = (1 / (self.scale * std)).float().to(values.device)[:, None, None]
        shift = (-mean / std).float().to(values.device)[:, None, None]
        return torch.empty_like(values, dtype=torch.float32).copy_(values).mul_(gain).add_(shift)

    def to_base(
        self, boxes: Float[Tensor, "*batch site 4"], extents: Int[Tensor, "*batch 2"]
    ) -> Float[Tensor, "*batch site 4"]:
        """Boxes x0 y0 x1 y1 in pixels of the square as boxes in base pixels.

        Args:
            boxes: In pixels of the square, counted from the upper left corner.
            extents: Height and width of each image before it was resized.
        """
        if self.size is None:
            return boxes
        lengths = extents[..., [1, 0, 1, 0]].unsqueeze(-2).to(boxes)
        return boxes * lengths / self.size  # in this order: the far edge comes out whole

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; ``from_dict`` brings them back."""
        return {**asdict(self), "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str = "the preprocessing") -> "Preprocessing":
        """Build from what ``as_dict`` gave; unknown or missing keys raise ``BadInput``."""
        known = {field.name for field in fields(cls)}
        wrong = sorted(set(values) - known) or sorted({"size", "channels", "mean", "std"} - set(values))
        if wrong:
            raise BadInput(f"unknown or missing key {wrong[0]!r}", "use the config.json saved with the model", source)
        settings = {**values, "mean": tuple(map(float, values["mean"])), "std": tuple(map(float, values["std"]))}
        settings["scale"] = float(values.get("scale", 255.0))
        return cls(**settings)


def to_tensor(images: Num[np.ndarray, "batch height width channel"]) -> Num[Tensor, "batch channel height width"]:
    """Resized arrays as one tensor, channels first; uint16, which torch hardly supports, becomes float32."""
    values = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return torch.from_numpy(values.astype(np.float32) if values.dtype == np.uint16 else values)


def _stretched(image: Array, size: int, interpolation: Interpolation) -> Shaped[np.ndarray, "{size} {size} channel"]:
    """The image stretched to a square; each axis by the filter that fits its direction."""
    height, width, channels = image.shape
    if (height, width) == (size, size):
        return image
    if channels > 4:  # OpenCV averages areas of four channels at most
        parts = [_stretched(image[..., start : start + 4], size, interpolation) for start in range(0, channels, 4)]
        return np.concatenate(parts, axis=2)
    image = np.ascontiguousarray(image)
    if interpolation == "linear":
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    else:
        smaller = (min(width, size), min(height, size))
        image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR) if smaller != (size, size) else image
    return image.reshape(size, size, channels)


def _count(channels: int) -> str:
    return "1 channel" if channels == 1 else f"{channels} channels"
