"""What is known about one image after prediction, in that image's own pixels."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.results import Cost, Prediction, Sites
from saccade.imaging.image_files import Array, as_image, load_image
from saccade.imaging.opening import FieldPixels, open_field
from saccade.imaging.showing import Shown, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Item = str | os.PathLike[str] | Any
"""A path, an array (or what NumPy takes for one) of height × width (× channel), or a tensor with channels first."""


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """One image's prediction, or why there is none. In a notebook it draws itself.

    Attributes:
        name: The path, or ``array 3`` for the third thing handed in.
        item: What was handed in.
        classes: Names of the classes, in the order of the logits.
        prediction: A batch of one, sites in the base pixels of the image as it is stored; None after an error.
        error: One line that says what is wrong with the image; empty where all went well.
        extent: Height and width of the image as it is stored; zeros after an error.
        note: One line on what to know about an image that was predicted all the same; mostly empty.
    """

    name: str
    item: Item
    classes: tuple[str, ...]
    prediction: Prediction | None = None
    error: str = ""
    extent: tuple[int, int] = (0, 0)
    note: str = ""

    @property
    def label(self) -> str:
        """The most probable class; empty after an error."""
        return self.classes[int(self.prediction.logits[0].argmax())] if self.prediction else ""

    @property
    def probabilities(self) -> dict[str, float]:
        """Probability of each class; empty after an error."""
        values = self.prediction.probabilities[0].tolist() if self.prediction else []
        return dict(zip(self.classes, values, strict=bool(values)))

    @property
    def sites(self) -> Sites:
        """Where the model read, in base pixels; a batch of one."""
        return self._predicted.sites

    @property
    def boxes(self) -> np.ndarray:
        """The sites' boxes x0 y0 x1 y1 in base pixels, one row each."""
        return self.sites.boxes[self.sites.valid].numpy()

    @property
    def weights(self) -> np.ndarray:
        """How much each site counted, in the order of ``boxes``; they sum to one."""
        return self.sites.weights[self.sites.valid].numpy()

    @property
    def cost(self) -> Cost:
        """Pixels looked at and read, of the image as the model saw it; a batch of one."""
        return self._predicted.cost

    def or_raise(self) -> "Result":
        """The result itself, or its error raised as ``BadInput``."""
        if self.error:
            raise BadInput(self.error)
        return self

    def image(self) -> Array:
        """The pixels the boxes count in, opened anew: results of many images do not hold them.

        Raises:
            BadInput: The image is too large to decode; ``shown`` gives a picture of it.
        """
        return open_item(self.item, self.name)

    def pixels(self) -> FieldPixels:
        """The same, but what is too large to decode stays in its file."""
        return open_field_item(self.item, self.name)

    def shown(self) -> Shown:
        """The image for the eye, all of it and the pixels of some boxes, whether or not it fits in memory."""
        return shown(self.pixels())

    def plot(self) -> "Figure":
        """Draw the image, the sites by weight and the probabilities."""
        from saccade.inference.plotting import result_figure

        return result_figure(self.or_raise())

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows."""
        from saccade.inference.plotting import figure_png

        return None if self.error else figure_png(self.plot())

    def __repr__(self) -> str:
        if self.error:
            return f"Result({self.name}: error: {self.error})"
        read, looked = float(self.cost.pixels_read_fraction), float(self.cost.pixels_looked_fraction)
        said = f"Result({self.name}: {self.label} {self.probabilities[self.label]:.1%}"
        if math.isnan(read):  # of a bag that does not tell what it took
            return f"{said}, from {int(self.cost.reads)} patches)"
        return f"{said}, read {read:.1%}, looked at {looked:.1%} of the pixels)"

    @property
    def _predicted(self) -> Prediction:
        if self.prediction is None:
            raise BadInput(self.error)
        return self.prediction


def open_field_item(item: Item, name: str) -> FieldPixels:
    """``open_item``, but a file too large to decode is only opened (``open_field``)."""
    return open_field(Path(item)) if isinstance(item, str | os.PathLike) else open_item(item, name)


def open_item(item: Item, name: str) -> Array:
    """The pixels of what was handed in; ``name`` is how errors call it.

    Raises:
        BadInput: They cannot be opened, or are not those of an image.
    """
    if isinstance(item, str | os.PathLike):
        return load_image(Path(item))
    if isinstance(item, Tensor):
        item = item.detach().cpu().movedim(0, -1) if item.ndim == 3 else item.detach().cpu()
    try:
        array = np.asarray(item)
    except (TypeError, ValueError) as error:
        raise BadInput(f"is no array ({error})", "give a path or an array of numbers", name) from error
    return as_image(array, name)
