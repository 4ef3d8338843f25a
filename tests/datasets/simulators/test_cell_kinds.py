"""Each kind of simulated cell has the marks a haematologist tells it by."""

import cv2
import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.simulators.cell_description import CellDescription
from saccade.datasets.simulators.cell_kinds import KINDS, describe_cell
from saccade.datasets.simulators.thickness import Frame, distance_to_spines

LOBES = {"neutrophil": {3, 4, 5}, "eosinophil": {2}, "basophil": {2, 3}, "lymphocyte": {1}, "monocyte": {1}}
DRAWS = 25


def draw(kind: str) -> list[CellDescription]:
    return [describe_cell(kind, np.random.default_rng(seed)) for seed in range(DRAWS)]


def components(description: CellDescription, *, strands: bool) -> int:
    """Count the connected pieces of the nucleus, before any stain."""
    frame = Frame(200, 0.1)
    spines = (*description.lobes, *(description.strands if strands else ()))
    return cv2.connectedComponents((distance_to_spines(spines, frame.xs, frame.ys) < 0).astype(np.uint8))[0] - 1


@pytest.mark.parametrize("kind", KINDS)
def test_number_of_lobes(kind: str) -> None:
    assert {len(description.lobes) for description in draw(kind)} == LOBES[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_lobes_are_separate_and_strands_make_them_one_nucleus(kind: str) -> None:
    for description in draw(kind)[:6]:
        assert components(description, strands=False) == len(description.lobes)
        assert components(description, strands=True) == 1


def test_granules_and_sizes_tell_the_kinds_apart() -> None:
    def mean_radius(kind: str) -> float:
        return float(np.mean([description.outline.mean() for description in draw(kind)]))

    def granule_volume(kind: str) -> float:
        return float(np.mean([(description.granules[:, 2] ** 3).sum() for description in draw(kind)]))

    assert mean_radius("lymphocyte") < mean_radius("neutrophil") < mean_radius("monocyte")
    coarse = min(granule_volume("eosinophil"), granule_volume("basophil"))
    assert coarse > 5 * max(granule_volume("neutrophil"), granule_volume("monocyte"), granule_volume("lymphocyte"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_generator_state_gives_the_same_cell(kind: str) -> None:
    one, two = (describe_cell(kind, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.outline, two.outline)
    np.testing.assert_array_equal(one.granules, two.granules)
    assert (one.texture, one.chromatin) == (two.texture, two.chromatin)


def test_unknown_kind_names_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"unknown kind of white blood cell 'blast'.*neutrophil"):
        describe_cell("blast", np.random.default_rng(0))
