"""The user's own mask of a slide's tissue: a picture of any scale, or GeoJSON."""

from math import ceil
from pathlib import Path

import numpy as np

from saccade.core.errors import BadInput
from saccade.imaging.image_files import PLAIN_SUFFIXES, load_mask
from saccade.imaging.tissue.geojson import read_tissue
from saccade.imaging.tissue.tissue import Tissue

_GEOJSON = (".geojson", ".json")


def own_tissue(
    path: Path | str, width: int, height: int, downsample: float, mpp: float, offset: tuple[int, int] = (0, 0)
) -> Tissue:
    """Load a mask that the user made (the manifest's ``tissue_path``); it is taken as it is.

    A picture shows the whole slide at any scale, tissue where it is not black. Cost: the picture, and a mask of the
    slide at ``downsample``.

    Args:
        path: GeoJSON, or a picture.
        width: Of the slide in base pixels.
        height: Of the slide in base pixels.
        downsample: Base pixels along the side of a pixel of the mask to make.
        mpp: Micrometres per base pixel.
        offset: Of GeoJSON from QuPath, for slides it crops.

    Raises:
        BadInput: Naming the file: it cannot be loaded, or its sides are not in the slide's proportion.
    """
    suffix = Path(path).suffix.lower()
    if suffix in _GEOJSON:
        return read_tissue(path, width, height, downsample, mpp, offset)
    if suffix not in PLAIN_SUFFIXES:
        kinds = " ".join(sorted((*PLAIN_SUFFIXES, *_GEOJSON)))
        raise BadInput("is no kind of tissue mask", f"give one of {kinds}", str(path))
    mask = load_mask(path)
    _check_proportion(mask.shape, width, height, str(path))
    rows, columns = ceil(height / downsample), ceil(width / downsample)
    y, x = (
        (((np.arange(count) + 0.5) * downsample).clip(max=length - 0.5) * side / length).astype(np.int64)
        for count, length, side in zip((rows, columns), (height, width), mask.shape, strict=True)
    )
    return Tissue(mask[y[:, None], x], downsample, mpp, "given")


def _check_proportion(shape: tuple[int, ...], width: int, height: int, source: str) -> None:
    """Each side may be a pixel off: masks are made by rounding."""
    rows, columns = shape
    scales = [((length - 1) / side, (length + 1) / side) for length, side in ((rows, height), (columns, width))]
    if max(low for low, _ in scales) > min(high for _, high in scales):
        message = f"the mask is {columns} × {rows} pixels, not in the proportion of the slide's {width} × {height}"
        raise BadInput(message, "make it from a picture of the whole slide", source)
