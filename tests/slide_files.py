"""Slides written by the tests: one picture in every kind of file, so that whoever reads it must see the same."""

from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image

from saccade.imaging.slides.handles import HANDLES
from saccade.imaging.slides.slide import Slide

HEIGHT, WIDTH = 512, 768
RESOLUTION = {"resolution": (40_000, 40_000), "resolutionunit": "CENTIMETER"}  # 0.25 µm per pixel


def picture(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Noise, so that no two places are alike."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def halved(image: np.ndarray) -> np.ndarray:
    """Every second pixel: what a level holds need not be a mean, as long as it is the same in all files."""
    return np.ascontiguousarray(image[::2, ::2])


def pyramid(levels: int = 3) -> list[np.ndarray]:
    """The picture and its coarser levels."""
    images = [picture()]
    while len(images) < levels:
        images.append(halved(images[-1]))
    return images


APERIO = "Aperio Image Library v12.0.0|AppMag = 40|MPP = 0.25"  # by which OpenSlide knows whose it is


def write_pyramid(
    path: Path, images: list[np.ndarray], bigtiff: bool = False, description: str | None = APERIO, **options: object
) -> Path:
    """A tiled TIFF with a page for each level: of a vendor, for OpenSlide, or without a description of none."""
    common = {"photometric": "rgb", "tile": (128, 128), "compression": "zlib", "metadata": None, **options}
    common["description"] = description
    with tifffile.TiffWriter(path, bigtiff=bigtiff) as writer:
        for number, image in enumerate(images):
            resolution = RESOLUTION if number == 0 else {}
            writer.write(image, subfiletype=int(number > 0), **{**resolution, **common})
    return path


def write_tiled(path: Path, images: list[np.ndarray]) -> Path:
    """The same of no vendor."""
    return write_pyramid(path, images, description=None)


def write_ome(path: Path, images: list[np.ndarray], mpp: tuple[float, float] = (0.25, 0.25), **options: object) -> Path:
    """An OME-TIFF with its levels in SubIFDs, as its standard has it."""
    common = {"photometric": "rgb", "tile": (128, 128), "compression": "zlib", **options}
    metadata = {"axes": "YXS" if images[0].ndim == 3 else "YX", "PhysicalSizeX": mpp[0], "PhysicalSizeY": mpp[1]}
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(images[0], subifds=len(images) - 1, metadata=metadata, **common)
        for image in images[1:]:
            writer.write(image, subfiletype=1, metadata=None, **common)
    return path


def write_png(path: Path, images: list[np.ndarray]) -> Path:
    """The picture without its levels."""
    Image.fromarray(images[0]).save(path)
    return path


def write_strips(path: Path, images: list[np.ndarray]) -> Path:
    """A plain TIFF, neither tiled nor in levels."""
    tifffile.imwrite(path, images[0], photometric="rgb", **RESOLUTION)
    return path


KINDS = {
    "openslide": ("openslide", "a.tif", write_pyramid),
    "tifffile": ("tifffile", "a.ome.tif", write_ome),
    "tiled tiff": ("tifffile", "tiled.tif", write_tiled),
    "png": ("image", "a.png", write_png),
    "plain tiff": ("image", "plain.tif", write_strips),
}
"""Each kind of file: who is to read it, its name and how it is written."""


def write_all(folder: Path) -> dict[str, Path]:
    """The picture in each kind of file."""
    return {kind: write(folder / name, pyramid()) for kind, (_, name, write) in KINDS.items()}


def fetched(slide: Slide, boxes: list[tuple[int, int, int, int]]) -> list[np.ndarray]:
    """Regions of the finest level; a function of its own, so that other processes can be sent here."""
    return [slide.read_region(x, y, 0, width, height) for x, y, width, height in boxes]


def handles_before_and_after(slide: Slide) -> tuple[int, int]:
    """How many files this process has open before it reads from a slide, and after."""
    before = len(HANDLES.get())
    slide.read_region(0, 0, 0, 5, 5)
    return before, len(HANDLES.get())


class Regions:
    """Regions of a slide as a data set for torch's loader."""

    def __init__(self, slide: Slide, boxes: list[tuple[int, int, int, int]]) -> None:
        self.slide, self.boxes = slide, boxes

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: int) -> np.ndarray:
        x, y, width, height = self.boxes[index]
        return self.slide.read_region(x, y, 0, width, height)


def damage_tile(path: Path, number: int) -> None:
    """Overwrite the bytes of one tile of the finest level."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        start, count = page.dataoffsets[number], page.databytecounts[number]
    with path.open("r+b") as file:
        file.seek(start)
        file.write(bytes([0x55]) * count)


def area_means(image: np.ndarray, ratio: float) -> np.ndarray:
    """Means over squares of ``ratio`` pixels, the slow way: each pixel counts by its share."""
    values = image.astype(np.float64)
    for axis in (0, 1):
        length = values.shape[axis]
        count = int(np.ceil(length / ratio - 1e-6))
        share = np.zeros((count, length))
        for cell in range(count):
            low, high = cell * ratio, min((cell + 1) * ratio, length)
            for pixel in range(int(low), int(np.ceil(high))):
                share[cell, pixel] = min(high, pixel + 1) - max(low, pixel)
        values = np.moveaxis(np.tensordot(share / share.sum(1, keepdims=True), values, (1, axis)), 0, axis)
    return values


def smooth(image: np.ndarray) -> np.ndarray:
    """The picture without its finest detail."""
    return cv2.GaussianBlur(image, (0, 0), 8)
