"""The predictor of patches: bags in, a class for every patch out."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from saccade.core.contract import SparseSegmenter
from saccade.core.errors import BadInput
from saccade.core.results import Segmentation
from saccade.inference.bag_loading import BagItem, LoadedBag
from saccade.inference.bag_predictor import BagPredictor


@dataclass(frozen=True, eq=False, repr=False)
class SegmentationResult:
    """The classes of one slide's patches, or why there are none.

    Attributes:
        name: The path, or ``bag 3`` for the third thing handed in.
        item: What was handed in.
        classes: Names of the classes, what is none of the others first.
        segmentation: A batch of one, its sites in base pixels; ``None`` after an error.
        error: One line that says what is wrong with the bag; empty where all went well.
        extent: Height and width of the slide in base pixels; zeros after an error.
        note: One line on what to know about a slide that was predicted all the same; mostly empty.
    """

    name: str
    item: BagItem
    classes: tuple[str, ...]
    segmentation: Segmentation | None = None
    error: str = ""
    extent: tuple[int, int] = (0, 0)
    note: str = ""

    @property
    def probabilities(self) -> Float[np.ndarray, "patch class"]:
        """Of each class, patch by patch in the order of the bag.

        Raises:
            BadInput: There is no segmentation.
        """
        return self._found.probabilities[self._found.sites.valid].float().numpy()

    @property
    def labels(self) -> Int[np.ndarray, " patch"]:
        """Number of each patch's most probable class."""
        return self.probabilities.argmax(axis=1)

    @property
    def boxes(self) -> Float[np.ndarray, "patch 4"]:
        """The patches, x0 y0 x1 y1 in base pixels, in the order of the labels."""
        return self._found.sites.boxes[self._found.sites.valid].numpy()

    @property
    def shares(self) -> dict[str, float]:
        """The part of the patches that is of each class; NaN where there are no patches, empty after an error."""
        if self.segmentation is None:
            return {}
        counts = np.bincount(self.labels, minlength=len(self.classes))
        values = counts / counts.sum() if counts.sum() else np.full(len(counts), np.nan)
        return dict(zip(self.classes, values.tolist(), strict=True))

    def or_raise(self) -> "SegmentationResult":
        """The result itself, or its error raised as ``BadInput``."""
        if self.error:
            raise BadInput(self.error)
        return self

    def __repr__(self) -> str:
        if self.error:
            return f"SegmentationResult({self.name}: error: {self.error})"
        shares = ", ".join(f"{share:.1%} {name}" for name, share in self.shares.items())
        return f"SegmentationResult({self.name}: {len(self.boxes)} patches, {shares})"

    @property
    def _found(self) -> Segmentation:
        if self.segmentation is None:
            raise BadInput(self.error)
        return self.segmentation


class SegmentationPredictor(BagPredictor[SparseSegmenter, SegmentationResult]):
    """A trained segmenter of slides: bags in, results out.

    >>> import saccade
    >>> predictor = saccade.load("runs/unet")                               # doctest: +SKIP
    >>> predictor.predict(["job/20x_224px_0px_overlap/features_x/a.h5"])[0].shares     # doctest: +SKIP
    {'normal': 0.93, 'tumour': 0.07}

    Args:
        model: A segmenter; it is put into evaluation mode and moved to the device.
        preprocessing: Whose features it takes.
        device: Where to compute; by default a GPU where there is one.
    """

    def _result(self, loaded: LoadedBag, found: Segmentation | None) -> SegmentationResult:
        return SegmentationResult(
            loaded.name, loaded.item, self.classes, found, loaded.error, loaded.extent, loaded.note
        )
