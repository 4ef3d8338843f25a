"""Random draws: mean and spread are those of what the model drew, and repeat with the seed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

from saccade.core.contract import ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.results import Losses, Prediction
from saccade.imaging.preprocessing import Preprocessing
from saccade.inference.draws import Draws, draws_of, predict_draws
from saccade.inference.predictor import Predictor
from saccade.models import create_model
from saccade.models.parts.field_images import whole_sites
from tests.miniature_fields import CLASSES, make_fields

FIELDS = Preprocessing(None, 3, (0.8,) * 3, (0.1,) * 3)
KNOWN = np.array([[0.5, 0.5], [0.75, 0.25], [0.25, 0.75], [0.9, 0.1]])


class KnownDraws(SparseClassifier):
    """Says the same four things of every image, in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.classes, self.config = CLASSES, {"model": "known-draws", "classes": list(CLASSES), "options": {}}

    def forward(self, images: Any) -> Prediction:
        return self.draws(images, 1)[0]

    def losses(self, images: Any, targets: ClassTargets) -> Losses:
        raise NotImplementedError

    def draws(self, images: Any, count: int) -> tuple[Prediction, ...]:
        def saying(probabilities: np.ndarray) -> Prediction:
            logits = torch.tensor(probabilities).log().float().expand(len(images), -1)
            return Prediction(logits, whole_sites(images.extents), images.cost())

        return tuple(saying(each) for each in KNOWN[:count])


def field(height: int = 60, width: int = 80, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def sampler(**options: Any) -> Predictor:
    torch.manual_seed(0)
    model = create_model("attention-sampling", CLASSES, **{"budget": 2, "patch": 20, "factor": 8, **options})
    return Predictor(model, FIELDS, "cpu")


def test_mean_and_spread_are_those_of_what_was_drawn() -> None:
    found = predict_draws(Predictor(KnownDraws(), FIELDS, "cpu"), [field(), field(30, 20)], 4)
    assert found.probabilities == pytest.approx(np.stack([KNOWN, KNOWN]), abs=1e-6)
    assert found.mean == pytest.approx(np.array([[0.6, 0.4]] * 2), abs=1e-6)
    by_hand = (sum((each - 0.6) ** 2 for each in KNOWN[:, 0]) / 3) ** 0.5
    assert found.spread == pytest.approx(np.full((2, 2), by_hand), abs=1e-6)


def test_a_map_of_one_cell_has_no_spread() -> None:
    found = predict_draws(sampler(), [field(7, 8), field(8, 3, seed=1)], 5)
    assert (found.spread == 0).all()
    assert not np.allclose(found.mean[0], found.mean[1], atol=1e-7)


def test_several_cells_have_one() -> None:
    found = predict_draws(sampler(), [field()], 5)
    assert found.probabilities.shape == (1, 5, 2)
    assert (found.spread > 0).all()
    assert found.probabilities.sum(2) == pytest.approx(np.ones((1, 5)))


def test_seeds_repeat_and_the_programs_random_state_stays() -> None:
    predictor, images = sampler(), [field(), field(seed=1)]
    before = torch.random.get_rng_state()
    first = predict_draws(predictor, images, 3)
    assert torch.random.get_rng_state().equal(before)
    assert np.array_equal(predict_draws(predictor, images, 3).probabilities, first.probabilities)
    assert not np.array_equal(predict_draws(predictor, images, 3, seed=1).probabilities, first.probabilities)
    same = predict_draws(predictor, [field(), field()], 3).probabilities
    assert not np.array_equal(same[0], same[1])  # images do not share their draws


def test_the_draws_are_the_models_own() -> None:
    predictor = sampler()
    torch.manual_seed(7)
    with torch.inference_mode():
        wanted = draws_of(predictor.model, 3)(predictor.open_images([field()]), 3)
    found = predict_draws(predictor, [field()], 3, seed=7).probabilities[0]
    assert found == pytest.approx(torch.cat([each.probabilities for each in wanted]).numpy(), abs=1e-6)


def test_files_and_progress(tmp_path: Path) -> None:
    paths = [path for path in sorted(make_fields(tmp_path / "fields").parent.rglob("*.png"))]
    told: list[int] = []
    found = predict_draws(sampler(), paths, 2, progress=told.append)
    assert len(found.probabilities) == len(paths) == told[-1]
    (tmp_path / "bad.png").write_text("no image")
    with pytest.raises(BadInput, match="bad.png"):
        predict_draws(sampler(), [tmp_path / "bad.png"], 2)
    assert predict_draws(sampler(), [], 2).mean.shape == (0, 2)


def test_another_resolution_is_told_and_drawn(tmp_path: Path) -> None:
    dots = {"resolution": (1e4 / 0.25,) * 2, "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "a.tif", field(), photometric="rgb", **dots)
    found = predict_draws(Predictor(KnownDraws(), replace(FIELDS, mpp=0.5), "cpu"), [field(), tmp_path / "a.tif"], 2)
    said = "states 0.25 micrometres per pixel, the model was trained at 0.5"
    assert len(found.mean) == 2 and found.notes == (f"{tmp_path / 'a.tif'}: {said}",)


def test_what_cannot_be_drawn_is_one_line() -> None:
    model = create_model("uniform-patches", CLASSES)
    with pytest.raises(BadInput, match="uniform-patches has no random draws") as refused:
        predict_draws(Predictor(model, FIELDS, "cpu"), [field()], 3)
    assert "\n" not in str(refused.value) and "--draws" in refused.value.remedy
    with pytest.raises(BadInput, match="not defined"):
        draws_of(sampler().model, 1)
    with pytest.raises(BadInput, match="array 1: 2 different sites"):
        predict_draws(sampler(estimator="distinct"), [field(7, 8)], 2)


def test_conditional_sampling_draws_too() -> None:
    model = create_model("conditional-sampling", CLASSES, budget=2, patch=20, factor=8)
    found = predict_draws(Predictor(model, FIELDS, "cpu"), [field()], 3)
    assert isinstance(found, Draws) and found.mean.shape == (1, 2)
