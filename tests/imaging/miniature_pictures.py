"""Pictures of noise, and the plain way to cut a patch out of one."""

import numpy as np
import torch

KINDS = [np.uint8, np.uint16, np.float32]


def picture(height: int, width: int, channels: int = 3, kind: type = np.uint8, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random((height, width, channels)) * 250).astype(kind)


def as_they_are(values: torch.Tensor) -> torch.Tensor:
    return values.float()


def cut(image: np.ndarray, x: int, y: int, size: int) -> np.ndarray:
    """The plain way: pad the whole image by reflection, cut the box out."""
    margin = 40
    for axis in (0, 1):
        widths = [(margin, margin) if each == axis else (0, 0) for each in range(3)]
        image = np.pad(image, widths, mode="edge" if image.shape[axis] == 1 else "reflect")
    return image[y + margin : y + margin + size, x + margin : x + margin + size]
