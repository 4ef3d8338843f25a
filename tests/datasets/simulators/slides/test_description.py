"""Descriptions: what lies where, independent of pixels."""

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.simulators.slides.description import KINDS, Region, SlideDescription

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)


def test_holes_and_layers() -> None:
    ring = Region("stroma", SQUARE * 100, (SQUARE * 40 + 30,))
    slide = SlideDescription(200, 100, (ring, Region("fat", SQUARE * 10 + 40), Region("tumour", SQUARE * 5)))
    points = np.array([[20, 20], [35, 35], [45, 45], [2, 2], [150, 50]], float)
    assert slide.kinds_at(points).tolist() == [KINDS.index(k) if k else -1 for k in ("stroma", "", "fat", "tumour", "")]


def test_annotations_are_in_base_pixels() -> None:
    slide = SlideDescription(200, 100, (Region("stroma", SQUARE * 100, (SQUARE * 40 + 30,)),))
    (annotation,) = slide.annotations(mpp=0.5)
    assert annotation.name == "stroma" and len(annotation.rings) == 2
    np.testing.assert_allclose(annotation.rings[0], SQUARE * 200)


def test_unknown_kind() -> None:
    with pytest.raises(BadInput, match="no kind of tissue"):
        Region("cheese", SQUARE)
