"""Pointing of slides: whether the patches that weigh most lie in the annotated region, such as the tumour.

The control is chance: an even spread over the patches would have the region's share of them inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from saccade.core.errors import BadInput
from saccade.explanation.slide_sites import SlideSites
from saccade.imaging.tissue.outlines import Outline, fill_outlines
from saccade.imaging.tissue.tissue import Tissue

_ALIKE = 1e-6  # relative difference of weights that are meant to be the same
_FINE = 16  # pixels of the mask along the side of a patch
_MOST_PIXELS = 2.0**24  # of the mask: slides of 65,536 patches and more have fewer along a side


@dataclass(frozen=True)
class SlidePointing:
    """What of one slide lies in the annotated region; NaN where it has no patch, or nothing speaks for the class.

    Attributes:
        weight: Share of the weight.
        heaviest: 1 where the heaviest patch lies in it for the most part, else 0; where several are heaviest, the
            share of them that does.
        evidence: Share of all that speaks for the class.
        area: Share of the patches: what chance gives for each of the others.
    """

    weight: float
    heaviest: float
    evidence: float
    area: float


def slide_pointing(sites: SlideSites, inside: Float[np.ndarray, " patch"]) -> SlidePointing:
    """Measure one slide.

    >>> boxes = np.array([[0.0, 0, 4, 4], [4, 0, 8, 4]])
    >>> sites = SlideSites(boxes, np.array([0.75, 0.25]), np.array([2.0, -1.0]))
    >>> slide_pointing(sites, np.array([1.0, 0.5]))
    SlidePointing(weight=0.875, heaviest=1.0, evidence=1.0, area=0.75)

    Args:
        sites: The patches.
        inside: Share of each that lies in the region (see ``shares_inside``).

    Raises:
        BadInput: There is not one share for each patch.
    """
    if len(inside) != len(sites):
        raise BadInput(f"{len(inside)} shares were given for {len(sites)} patches", "give one for each patch")
    if not len(sites):
        return SlidePointing(*[float("nan")] * 4)
    heaviest = sites.weights >= sites.weights.max() * (1 - _ALIKE)
    pro = sites.evidence.clip(min=0)
    return SlidePointing(
        weight=float(sites.weights @ inside / sites.weights.sum()),
        heaviest=float((inside[heaviest] >= 0.5).mean()),
        evidence=float(pro @ inside / pro.sum()) if pro.any() else float("nan"),
        area=float(inside.mean()),
    )


def shares_inside(boxes: Float[np.ndarray, "patch 4"], region: Sequence[Outline]) -> Float[np.ndarray, " patch"]:
    """Share of each patch's area that lies in a region, to a sixteenth of its side; what overlaps counts once.

    Cost: a mask at a sixteenth of a patch over the patches' extent, at most 16 million pixels.

    >>> from saccade.datasets.annotations import box_annotation
    >>> region = [Outline(box_annotation("tumour", (0, 0, 6, 4)).rings[0])]
    >>> shares_inside(np.array([[0.0, 0, 4, 4], [4, 0, 8, 4]]), region).tolist()
    [1.0, 0.5]

    Args:
        boxes: In base pixels.
        region: In base pixels.
    """
    if not len(boxes):
        return np.empty(0)
    corner = boxes[:, :2].min(0)
    width, height = (boxes[:, 2:].max(0) - corner).tolist()
    side = float((boxes[:, 2:] - boxes[:, :2]).min())
    downsample = max(side / _FINE, (width * height / _MOST_PIXELS) ** 0.5)
    moved = [outline.moved(-corner[0], -corner[1]).scaled(1 / downsample) for outline in region]
    rows, columns = (max(1, int(np.ceil(length / downsample))) for length in (height, width))
    mask = Tissue(fill_outlines(moved, rows, columns), downsample, mpp=1.0, found="given")
    return mask.fractions(np.rint(boxes - np.tile(corner, 2)).astype(np.int64)).astype(np.float64)
