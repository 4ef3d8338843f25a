"""What data of all scales have in common: rows with labels, and parts that never share an image."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from jaxtyping import Int
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.manifest import Manifest, Row
from saccade.features.slide_input import SlideInput
from saccade.imaging.preprocessing import Preprocessing

Data = TypeVar("Data", bound="LabelledData")


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledData(ABC):
    """Images with their labels; a part of them shares the pixels, or the files, of the whole.

    Attributes:
        manifest: Rows and source; row i belongs to image i.
        classes: The names behind the labels.
        labels: Class of each image.
        preprocessing: What the pixels went through, and how to normalise them; of slides, whose features they are.
        split: All rows of the data with their parts, those that were not loaded too.
        notes: What the user should know about the split and the images.
    """

    manifest: Manifest
    classes: tuple[str, ...]
    labels: Int[Tensor, "image"]
    preprocessing: Preprocessing | SlideInput
    split: Manifest
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The manifest's row of each image."""
        return self.manifest.rows

    @property
    def facts(self) -> dict[str, Any]:
        """What a run keeps of the data in its ``config.json`` beside the classes, as plain values."""
        return {}

    def __len__(self) -> int:
        return len(self.labels)

    def take(self: Data, indices: Sequence[int]) -> Data:
        """These images, in this order, without copying pixels."""
        index = torch.as_tensor(indices, dtype=torch.long)
        manifest = replace(self.manifest, rows=tuple(self.rows[i] for i in index.tolist()))
        return replace(self, manifest=manifest, labels=self.labels[index], **self.pixels_of(index))

    def part(self: Data, part: str) -> Data:
        """The images of the training, validation or test part: ``train``, ``val``, ``test``."""
        self.manifest.part(part)  # says which parts there are, if not this one
        return self.take([index for index, row in enumerate(self.rows) if row.split == part])

    def with_parts(self: Data, parts: Sequence[str]) -> Data:
        """The same images in these parts, one for each in order."""
        manifest = self.manifest.with_parts(parts)
        return replace(self, manifest=manifest, split=manifest)

    @abstractmethod
    def pixels_of(self, index: Int[Tensor, "chosen"]) -> dict[str, Any]:
        """The fields that hold the pixels of some of the images."""

    @abstractmethod
    def fitted(self: Data) -> Data:
        """The same with mean and standard deviation measured on the training part."""


def class_numbers(manifest: Manifest, classes: Sequence[str]) -> Int[Tensor, "image"]:
    """The number of each row's class.

    Raises:
        BadInput: For the first label that is not among the classes.
    """
    number = {name: index for index, name in enumerate(classes)}
    for row in manifest.rows:
        if row.label not in number:
            message = f"the label {row.label!r} is not among the classes {', '.join(classes)}"
            raise BadInput(message, "map it to one of them with --labels map.csv (columns from,to)", row.place)
    return torch.tensor([number[row.label] for row in manifest.rows], dtype=torch.long)
