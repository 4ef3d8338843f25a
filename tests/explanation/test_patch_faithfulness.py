"""Faithfulness of patches, of a predictor whose probability is known in closed form."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from saccade.core.contract import ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.core.results import Losses, Prediction, Sites
from saccade.explanation.patch_faithfulness import HeaviestFirst, RandomPatches, ShuffledPatches, patch_faithfulness
from saccade.imaging.preprocessing import Preprocessing
from saccade.inference.predictor import Predictor
from tests.miniature_fields import make_field_model

SIDE, PATCH = 64, 8
CORNERS = [(0, 0), (24, 8), (40, 40), (8, 48)]
INK = [10.0, 30.0, 50.0, 20.0]


class Inked(SparseClassifier):
    """Log-odds are the ink in four known patches; weights are each one's share of it."""

    def __init__(self) -> None:
        super().__init__()
        self.classes = ("no", "yes")

    def forward(self, images: Images | Tensor) -> Prediction:
        assert not isinstance(images, Tensor)
        opened = images.metered()
        boxes = torch.tensor([[x, y, x + PATCH, y + PATCH] for x, y in CORNERS]).expand(len(opened), -1, -1)
        ink = -opened.read(boxes, PATCH).mean((2, 3, 4)).double()
        logits = torch.stack([torch.zeros(len(opened)), ink.sum(1).float()], dim=1)
        weights = (ink + 1e-9) / (ink + 1e-9).sum(1, keepdim=True)
        return Prediction(logits, Sites(boxes.float(), weights.float(), torch.ones_like(weights) > 0), opened.cost())

    def losses(self, images: Images | Tensor, targets: ClassTargets) -> Losses:
        raise NotImplementedError


@pytest.fixture
def predictor() -> Predictor:
    return Predictor(Inked(), Preprocessing(None, 1, (200 / 255,), (50 / 255,)), "cpu")


def inked_field() -> np.ndarray:
    field = np.full((SIDE, SIDE, 1), 200, np.uint8)
    for (x, y), ink in zip(CORNERS, INK, strict=True):
        field[y : y + PATCH, x : x + PATCH] = 200 - ink
    return field


def test_curves_are_those_of_the_closed_form(predictor: Predictor) -> None:
    measured = patch_faithfulness(predictor, [inked_field()] * 2, orders={"own": [HeaviestFirst()]}, steps=4)
    curve = measured.curves["own"]
    falling = np.cumsum([0, *sorted(INK, reverse=True)]) / 50
    np.testing.assert_allclose(curve.fractions, np.arange(5) / 4)
    np.testing.assert_allclose(curve.deletion[0], 1 / (1 + np.exp(-(sum(INK) / 50 - falling))), atol=1e-5)
    np.testing.assert_allclose(curve.insertion[1], 1 / (1 + np.exp(-falling)), atol=1e-5)
    assert (measured.unit, measured.fill) == ("patches", "the colour of the glass around them")


def test_orders_are_patches_of_the_same_size(predictor: Predictor) -> None:
    sites = predictor.predict([inked_field()])[0].sites
    own = HeaviestFirst()(sites, (SIDE, SIDE))
    assert own[:, :2].tolist() == [[40, 40], [24, 8], [8, 48], [0, 0]]
    shuffled = ShuffledPatches(1)(sites, (SIDE, SIDE))
    assert sorted(shuffled.tolist()) == sorted(own.tolist()) and shuffled.tolist() != own.tolist()
    chance = RandomPatches(0)(sites, (SIDE, 3 * SIDE))
    assert (chance[:, 2:] - chance[:, :2] == PATCH).all() and len(chance) == 4
    assert chance.tolist() != RandomPatches(1)(sites, (SIDE, 3 * SIDE)).tolist()


def test_a_real_model_and_fields_of_different_sizes(tmp_path: Path) -> None:
    predictor = Predictor.open(make_field_model(tmp_path, budget=3), "cpu")
    dice = np.random.default_rng(0)
    fields = [dice.integers(100, 256, (*extent, 3), dtype=np.uint8) for extent in ((120, 160), (90, 70))]
    measured = patch_faithfulness(predictor, iter(fields), steps=2)
    assert len(measured.curves) == 3
    whole = [max(result.probabilities.values()) for result in predictor.predict(fields)]
    for curve in measured.curves.values():
        assert curve.deletion.shape == curve.insertion.shape == (2, 3)
        np.testing.assert_allclose(curve.deletion[:, 0], whole, atol=1e-5)


def test_no_fields(predictor: Predictor) -> None:
    with pytest.raises(BadInput, match="no fields"):
        patch_faithfulness(predictor, [])
