"""A patch told by simple statistics of its colours and texture: the built-in encoder, a baseline.

It needs no download and next to no time, so it shows that a pipeline works and what a foundation model has to beat;
it is no foundation model itself.

Sources: stain separation after Ruifrok and Johnston, "Quantification of histochemical staining by color
deconvolution", Anal Quant Cytol Histol 2001, with their vectors for haematoxylin, eosin and a residual; texture by
rotation-invariant uniform local binary patterns after Ojala, Pietikäinen and Mäenpää, IEEE TPAMI 2002, and by mean
steps between neighbours. Written from the papers. Changed: everything at half the resolution of the patch and below;
patterns on the eight neighbours in the square, with a tolerance for compression noise.

Whatever mixes pixels is done patch by patch, and what is done on several at once is exact: a patch has the same
features, to the bit, whatever else is in the batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from saccade.core.errors import BadInput
from saccade.features.encoders.encoder import encoder_facts

_VERSION = "1"
_SMALLEST = 32  # pixels; at an eighth of it, 4 × 4 pixels still have four with all neighbours
_GROUP = 4  # patches worked on together: few enough for their small pictures to stay in the processor's cache

# Optical density in 255 steps, 0 for white; then three stains, doubled to use the range of a byte, raised by 32 since
# a little of a stain can be less than none.
_DENSITY = np.rint(-np.log10((np.arange(256) + 1) / 256) * (255 / np.log10(256))).astype(np.uint8)
_VECTORS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
_VECTORS /= np.linalg.norm(_VECTORS, axis=1, keepdims=True)
_UNMIX = np.concatenate([2 * np.linalg.inv(_VECTORS.T), np.full((3, 1), 32.0)], axis=1)

_SPREADS = ("red", "green", "blue", "haematoxylin", "eosin", "residual")
_SHARES = ("haematoxylin", "eosin", "saturation")
_TEXTURES = ("grey", "haematoxylin")
_SCALES = (2, 4, 8)
_PATTERN_SCALES = (4, 8)  # at half the resolution they would mostly tell of compression, and cost the most
_LIT = 24  # saturation, of 255, from which a pixel's hue means something
_TOLERANCE = 4  # grey steps by which a neighbour has to be brighter to count: compression noise stays below
_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))  # row, column; around the square


def _pattern_classes() -> Int[np.ndarray, " 256"]:
    """Of each of the 256 patterns, how many neighbours are brighter if these adjoin each other, else 9."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(1)
    return np.where(changes <= 2, bits.sum(1), 9)


_CLASSES = _pattern_classes()
_BY_CLASS = np.argsort(_CLASSES, kind="stable")
_CLASS_STARTS = np.searchsorted(_CLASSES[_BY_CLASS], np.arange(10))


def _names() -> tuple[str, ...]:
    """What each number is, in the order ``_described`` puts them."""
    names = [f"{channel} {moment}" for channel in _SPREADS for moment in ("mean", "spread")]
    for channel in _SHARES:
        names += [f"{channel} skew", *(f"{channel} {low} to {high - 1}" for low, high in pairwise(range(0, 257, 32)))]
    names += ["coloured", *(f"hue {45 * sector}° to {45 * sector + 45}°" for sector in range(8))]
    for scale in _SCALES:
        names += [f"{channel} step at 1/{scale}" for channel in _TEXTURES]
    names += [f"{channel} spread at 1/{_SCALES[-1]}" for channel in _TEXTURES]
    for scale in _PATTERN_SCALES:
        names += [f"pattern of {count} at 1/{scale}" for count in range(9)] + [f"other patterns at 1/{scale}"]
    return tuple(names)


class ColourTexture:
    """Statistics of colours and texture: a baseline.

    >>> encoder = ColourTexture()
    >>> white = np.full((1, 224, 224, 3), 255, np.uint8)
    >>> dict(zip(encoder.feature_names, encoder(white)[0].tolist()))["red mean"]
    1.0

    Cost: about 0.2 ms for a patch of 224 × 224 pixels on one core; it grows with the pixels.

    Attributes:
        name: ``colour-texture``.
        dim: Numbers per patch.
        input_size: None: patches of any size from 32 pixels up are taken as they are.
        feature_names: What each number is.
    """

    name = "colour-texture"
    input_size: int | None = None
    feature_names = _names()
    dim = len(feature_names)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What decides the features, as plain values."""
        source = "built in: statistics of colour and texture, a baseline"
        return encoder_facts(self.name, version=_VERSION, dim=self.dim, source=source, licence="Apache-2.0")

    def __call__(self, patches: UInt8[np.ndarray, "batch height width 3"]) -> Float[np.ndarray, "batch feature"]:
        """The features of each patch.

        Raises:
            BadInput: The patches have fewer than 32 pixels along a side.
        """
        height, width = patches.shape[1:3]
        if min(height, width) < _SMALLEST:
            raise BadInput(f"patches of {width} × {height} pixels have no texture to measure", "give 32 pixels or more")
        if not len(patches):
            return np.empty((0, self.dim), np.float32)
        groups = [_counted(patches[start : start + _GROUP]) for start in range(0, len(patches), _GROUP)]
        return _described(_Counts.concatenate(groups)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Counts:
    """What is measured on each patch; histograms are whole numbers."""

    spreads: np.ndarray  # (patch, channel, 2): mean and standard deviation of _SPREADS
    shares: np.ndarray  # (patch, channel, 256): histograms of _SHARES
    hues: np.ndarray  # (patch, 8): coloured pixels by the sector of their hue
    steps: np.ndarray  # (patch, scale, channel): mean differences between neighbours, of _TEXTURES
    coarse: np.ndarray  # (patch, channel): standard deviation of _TEXTURES at the coarsest scale
    patterns: np.ndarray  # (patch, scale, 256): histograms of the patterns

    @classmethod
    def concatenate(cls, groups: Sequence["_Counts"]) -> "_Counts":
        """Groups of patches, one after another."""
        return cls(*(np.concatenate(parts) for parts in zip(*(vars(group).values() for group in groups), strict=True)))


def _counted(patches: np.ndarray) -> _Counts:
    """Measure a group of patches."""
    count, height, width = patches.shape[:3]
    grey, haematoxylin = (np.empty((count, height // 2, width // 2), np.uint8) for _ in range(2))
    spreads, shares, hues = zip(
        *(_colours(patch, grey[index], haematoxylin[index]) for index, patch in enumerate(patches)), strict=True
    )
    steps, patterns = [], []
    for scale in _SCALES:
        if scale != _SCALES[0]:
            grey, haematoxylin = _halved(grey), _halved(haematoxylin)
        steps.append([(_step(a), _step(b)) for a, b in zip(grey, haematoxylin, strict=True)])
        if scale in _PATTERN_SCALES:
            patterns.append([_histogram(codes[1:-1, 1:-1], 0) for codes in _pattern_codes(grey)])
    coarse = np.stack([images.std(axis=(1, 2)) for images in (grey, haematoxylin)], axis=1)
    by_scale = (np.array(steps).swapaxes(0, 1), coarse, np.array(patterns).swapaxes(0, 1))
    return _Counts(np.array(spreads), np.array(shares), np.array(hues), *by_scale)


def _colours(
    patch: np.ndarray, grey: np.ndarray, haematoxylin: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Spreads, shares and hues of one patch; its small grey and haematoxylin pictures go into the arrays given.

    Haematoxylin, which stains what is small, is measured at half the patch's resolution, the rest at a quarter.
    """
    half, quarter = grey.shape[::-1], (grey.shape[1] // 2, grey.shape[0] // 2)
    small = cv2.resize(patch, half, interpolation=cv2.INTER_AREA)
    stains = cv2.transform(cv2.LUT(small, _DENSITY), _UNMIX)
    cv2.cvtColor(small, cv2.COLOR_RGB2GRAY, dst=grey)
    cv2.extractChannel(stains, 0, dst=haematoxylin)
    small, stains = (cv2.resize(image, quarter, interpolation=cv2.INTER_AREA) for image in (small, stains))
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV_FULL)
    lit = cv2.inRange(hsv, (0, _LIT, 0), (255, 255, 255))
    spreads = [np.concatenate(cv2.meanStdDev(image), axis=1) for image in (small, stains)]
    shares = [_histogram(haematoxylin, 0), _histogram(stains, 1), _histogram(hsv, 1)]
    return np.concatenate(spreads), shares, _histogram(hsv, 0, lit, bins=8)


def _histogram(image: np.ndarray, channel: int, mask: np.ndarray | None = None, bins: int = 256) -> np.ndarray:
    return cv2.calcHist([image], [channel], mask, [bins], [0, 256]).ravel()  # float32, exact to 16 million pixels


def _step(image: np.ndarray) -> float:
    """The mean difference between neighbours in a row or column."""
    right, left, lower, upper = image[:, 1:], image[:, :-1], image[1:], image[:-1]
    steps = cv2.norm(right, left, cv2.NORM_L1) + cv2.norm(lower, upper, cv2.NORM_L1)
    return steps / (left.size + upper.size)


def _halved(images: np.ndarray) -> np.ndarray:
    """Each picture at half its size."""
    halved = np.empty((len(images), images.shape[1] // 2, images.shape[2] // 2), np.uint8)
    for image, half in zip(images, halved, strict=True):
        cv2.resize(image, half.shape[::-1], dst=half, interpolation=cv2.INTER_AREA)
    return halved


def _pattern_codes(images: UInt8[np.ndarray, "image row column"]) -> UInt8[np.ndarray, "image row column"]:
    """For each pixel, one bit per neighbour that is brighter by more than the tolerance; the rims hold no sense.

    All pictures are one row of bytes here, where a neighbour is a fixed number of bytes away: eight plain comparisons.
    """
    pixels = images.ravel()
    width = images.shape[2]
    margin = width + 1
    inner = slice(margin, pixels.size - margin)
    threshold = np.minimum(pixels[inner], 255 - _TOLERANCE) + np.uint8(_TOLERANCE)
    codes = np.zeros(pixels.size, np.uint8)
    told, brighter = codes[inner], np.empty(threshold.size, bool)
    for row, column in reversed(_NEIGHBOURS):
        away = row * width + column
        np.greater(pixels[inner.start + away : inner.stop + away], threshold, out=brighter)
        np.add(told, told, out=told)  # a shift by one bit, which NumPy does much more slowly
        np.add(told, brighter.view(np.uint8), out=told)
    return codes.reshape(images.shape)


def _described(counts: _Counts) -> Float[np.ndarray, "patch feature"]:
    """The features, element by element, so that no patch depends on its neighbours."""
    patches = len(counts.spreads)
    parts = [counts.spreads / 255, _shares(counts.shares), _hues(counts.hues, counts.shares[:, 2].sum(1))]
    classes = np.add.reduceat(counts.patterns[..., _BY_CLASS], _CLASS_STARTS, axis=-1)
    parts += [counts.steps / 255, counts.coarse / 255, classes / classes.sum(-1, keepdims=True)]
    return np.concatenate([part.reshape(patches, -1) for part in parts], axis=1)


def _shares(histograms: Float[np.ndarray, "patch channel 256"]) -> Float[np.ndarray, "patch channel 9"]:
    """Of each channel the skew, as the cube root of the third central moment, and its histogram in eight steps."""
    counts, values = histograms.astype(np.int64), np.arange(256)
    pixels = counts.sum(-1)
    mean, square, cube = ((counts * values**power).sum(-1) / pixels for power in (1, 2, 3))
    skew = np.cbrt(cube - 3 * mean * square + 2 * mean**3) / 255
    steps = counts.reshape(*counts.shape[:2], 8, 32).sum(-1) / pixels[..., None]
    return np.concatenate([skew[..., None], steps], axis=-1)


def _hues(sectors: Float[np.ndarray, "patch 8"], pixels: Float[np.ndarray, " patch"]) -> Float[np.ndarray, "patch 9"]:
    """The share of coloured pixels, and how their hues are spread; zeros where there is no colour."""
    coloured = sectors.sum(1, keepdims=True)
    return np.concatenate([coloured / pixels[:, None], sectors / np.maximum(coloured, 1)], axis=1)
