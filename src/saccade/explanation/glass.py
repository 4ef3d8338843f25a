"""Glass: what a field would be without anything on it, as the colour of the brightest pixels around each place.

In brightfield the slide's own light is the brightest there is; its colour drifts over a field. Where everything is
covered, as in solid tissue, the palest of it stands in. Not for fluorescence, where empty is dark.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Shaped

from saccade.imaging.image_files import Array


@dataclass(frozen=True)
class LocalGlass:
    """The mean of the brightest fifth of each tile's pixels, blended between the tiles' middles.

    Attributes:
        tile: Side of a tile in pixels, about.
        share: Share of a tile's pixels that count as glass.
        name: In words, for captions: "patches are replaced by …".
    """

    tile: int = 192
    share: float = 0.2
    name: str = "the colour of the glass around them"

    def __call__(self, field: Array) -> Shaped[np.ndarray, "height width channel"]:
        """A field of glass, of the same size and type.

        >>> field = np.full((40, 60, 3), 200, np.uint8); field[10:20, 10:20] = 50
        >>> np.unique(LocalGlass()(field)).tolist()
        [200]
        """
        height, width, channels = field.shape
        down, across = (max(1, round(length / self.tile)) for length in (height, width))
        tiles = [
            [self._colour(part) for part in np.array_split(rows, across, 1)] for rows in np.array_split(field, down)
        ]
        small = np.array(tiles, np.float32)
        layers = [cv2.resize(small[..., k], (width, height), interpolation=cv2.INTER_LINEAR) for k in range(channels)]
        glass = np.stack(layers, axis=2)
        return np.rint(glass).astype(field.dtype) if field.dtype.kind in "ui" else glass.astype(field.dtype)

    def _colour(self, tile: Array) -> np.ndarray:
        """Mean colour of the brightest pixels."""
        pixels = tile.reshape(-1, tile.shape[2]).astype(np.float32)
        brightness = pixels.sum(1)
        return pixels[brightness >= np.quantile(brightness, 1 - self.share)].mean(0)
