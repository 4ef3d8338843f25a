"""The stock: crops take turns, parts never mix, and each is cut once."""

from dataclasses import replace

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.composers.materials import simulated_backgrounds, simulated_crops
from saccade.datasets.composers.stock import Stock, softened


def test_crops_take_turns_within_a_part() -> None:
    stock = Stock(simulated_crops(), simulated_backgrounds(), (44, 64), seed=0)
    taken = [stock.cell_of("val", "monocyte", index)[0] for index in range(20)]
    assert {crop.part for crop in taken} == {"val"} and {crop.label for crop in taken} == {"monocyte"}
    assert sorted(crop.name for crop in taken[:10]) == sorted(crop.name for crop in taken[10:])


def test_a_crop_is_cut_once() -> None:
    loaded = []
    crops = [
        replace(crop, load=lambda crop=crop: loaded.append(crop.name) or crop.load()) for crop in simulated_crops()
    ]
    stock = Stock(crops, simulated_backgrounds(), (44, 64), seed=0)
    one, two = (stock.cell_of("train", "basophil", 3)[1] for _ in range(2))
    assert one is two and len(loaded) == 1


def test_sizes_of_poses() -> None:
    stock = Stock(simulated_crops(), simulated_backgrounds(), (44, 64), seed=0)
    _, cutout = stock.cell_of("train", "basophil", 0)
    rng = np.random.default_rng(0)
    across = np.array([stock.pose(cutout, 0.0, rng).scale * cutout.across for _ in range(200)])
    assert 44 <= across.min() < 46 and 62 < across.max() <= 64


def test_what_is_missing() -> None:
    stock = Stock(simulated_crops(), simulated_backgrounds(), (44, 64), seed=0)
    with pytest.raises(BadInput, match="no crops"):
        stock.cell_of("train", "yeti", 0)
    with pytest.raises(BadInput, match="no background"):
        stock.smear_of("attic", np.random.default_rng(0))
    with pytest.raises(BadInput, match="too few"):
        Stock(simulated_crops(), simulated_backgrounds(), (900, 1000), seed=0).cell_of("train", "basophil", 0)


def test_softened() -> None:
    assert softened(0.5) == softened(1.0) == 0 and softened(2.0) == pytest.approx(0.5 * 3**0.5)
