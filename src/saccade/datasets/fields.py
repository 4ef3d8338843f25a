"""Fields in memory: decoded once, kept as they were stored, each at its own size.

300 fields of 1024 × 1024 in colour are 900 MB.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.errors import raise_first
from saccade.core.manifest import PARTS, Manifest
from saccade.core.splits import FRACTIONS, assign_parts
from saccade.datasets.boxes import boxes_beside, padded_needles
from saccade.datasets.cells import preprocessing_for
from saccade.datasets.labelled import LabelledData, class_numbers
from saccade.datasets.resolutions import common_mpp, field_resolutions, mixed_notes
from saccade.datasets.sources import each_image, open_manifest
from saccade.imaging.image_files import Array
from saccade.imaging.pixel_store import FillingStore, PixelStore
from saccade.imaging.preprocessing import Preprocessing
from saccade.imaging.rasters import Rasters

_STRIP = 2**20
"""Pixels measured at a time, which become float64."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FieldData(LabelledData):
    """A data set of fields, of any sizes.

    Attributes:
        store: The pixels, in the values of the files.
        boxes: Where what gives each field its label is known to lie, in base pixels, rows of NaN where a field has
            fewer than others; ``None`` where nothing is known.
    """

    preprocessing: Preprocessing  # pyright: ignore[reportIncompatibleVariableOverride] - frozen
    store: PixelStore
    boxes: Float[Tensor, "image box 4"] | None = None

    @property
    def images(self) -> Rasters:
        """All fields, with a meter at zero; pixels are normalised where they are asked for."""
        return Rasters(self.store, self.preprocessing.normalise, self.boxes)

    def pixels_of(self, index: Int[Tensor, "chosen"]) -> dict[str, Any]:
        """Some of the fields, on the same pixels."""
        return {"store": self.store.take(index), "boxes": None if self.boxes is None else self.boxes[index]}

    def fitted(self) -> "FieldData":
        """The same with mean and standard deviation measured on the training part."""
        store = self.part("train").store
        images = (store.image(row).permute(2, 0, 1)[None] for row in range(len(store)))
        strips = (strip for image in images for strip in image.split(max(1, _STRIP // image.shape[3]), dim=2))
        return replace(self, preprocessing=self.preprocessing.fitted(strips))


def open_fields(
    path: Path | str,
    *,
    channels: int | None = None,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    mpp: float | None = None,
    parts: Sequence[str] = PARTS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FieldData:
    """Open fields to train on: split by their own columns or by case, normalised by the training part.

    Args:
        path: Folder of class folders, manifest or MedMNIST file.
        channels: Channels of the model's input; those of the first field where not given.
        fractions: Shares of training, validation and test part, where the data has no split of its own.
        seed: Seed of that split.
        mean: Mean of each channel, between 0 and 1 for 8-bit values; measured on the training part where not given.
        std: Standard deviation of each channel, likewise.
        mpp: Micrometres per base pixel of all fields; the data's own where not given, with a note where they differ.
        parts: The parts to load; fields of others are not opened.
        progress: Told how many of how many fields are loaded.
    """
    manifest = open_manifest(path)
    split = assign_parts(manifest.rows, fractions, seed)
    whole = manifest.with_parts(split.parts)
    wanted = replace(whole, rows=tuple(row for row in whole.rows if row.split in parts))
    resolutions = field_resolutions(wanted) if mpp is None else ()
    mpp = common_mpp(resolutions) if mpp is None else mpp
    preprocessing = preprocessing_for(wanted, None, channels=channels, mpp=mpp)
    data = load_fields(wanted, preprocessing, whole.classes, progress)
    if mean is None or std is None:
        data = data.fitted()
    else:
        data = replace(data, preprocessing=replace(data.preprocessing, mean=tuple(mean), std=tuple(std)))
    return replace(data, split=whole, notes=(*split.notes, *mixed_notes(resolutions)))


def load_fields(
    manifest: Manifest,
    preprocessing: Preprocessing,
    classes: Sequence[str] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FieldData:
    """Decode every field of a manifest, each into the memory it stays in: no more than one per thread is held twice.

    Args:
        manifest: The fields; hand in a part of it to load no more than that.
        preprocessing: Channels and kind of values wanted; its ``size`` is ``None``.
        classes: The names behind the labels; a model's own when it is evaluated.
        progress: Told how many of how many fields are done.

    Raises:
        BadInput: For the first field that cannot be loaded, or the first label that is not among the classes.
    """
    names = manifest.classes if classes is None else tuple(classes)
    labels = class_numbers(manifest, names)
    filling = FillingStore(len(manifest))

    def keep(index: int, image: Array) -> None:
        filling.put(index, preprocessing.resize(image, manifest.rows[index].place))

    raise_first(tuple(each_image(manifest.rows, keep, progress)))
    return FieldData(
        manifest=manifest,
        classes=names,
        labels=labels,
        preprocessing=preprocessing,
        store=filling.store(),
        boxes=_known_boxes(manifest),
        split=manifest,
    )


def _known_boxes(manifest: Manifest) -> Float[Tensor, "image box 4"] | None:
    """The needles of ``boxes.csv`` beside the manifest, if there is one."""
    boxes = boxes_beside(manifest)
    return None if boxes is None else padded_needles([row.name for row in manifest.rows], boxes)
