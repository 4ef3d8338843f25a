"""TEMPORARY stub, to be replaced whole by the augmented view."""
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldAugmentation:
    flip: bool = False
    contrast: float = 0.0
    zoom: float = 1.0

    def __call__(self, images, generator):
        return images
