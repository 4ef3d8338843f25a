"""Bags in, risks out: what a result says is what the model says, and runs open as what they are."""

from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.features.slide_input import SlideInput
from saccade.inference import load
from saccade.inference.slide_predictor import SlidePredictor
from saccade.inference.survival_predictor import SurvivalPredictor
from saccade.models import create_model
from saccade.models.packaging import save_model
from tests.miniature_slides import DIM, write_bag

BINS = ("under 5", "5 to 9", "9 or more")
GIVEN = SlideInput("made-up", DIM, patch=224, mpp=0.5)


@pytest.fixture
def predictor() -> SurvivalPredictor:
    return SurvivalPredictor(create_model("span-survival", BINS, in_features=DIM, width=8, heads=1), GIVEN, "cpu")


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    write_bag(tmp_path / "a.h5", "a.svs", "tumour", 1)
    return tmp_path / "a.h5"


def test_risk_and_survival_are_the_model_s(predictor: SurvivalPredictor, bag: Path) -> None:
    (result,) = predictor.predict([bag])
    assert result.or_raise().prediction is not None
    chances = 1 - result.prediction.logits[0].sigmoid()
    expected = [float(chances[: number + 1].prod()) for number in range(3)]
    assert list(result.survival) == list(BINS)
    assert list(result.survival.values()) == pytest.approx(expected, rel=1e-5)
    assert result.risk == pytest.approx(-sum(expected), rel=1e-5)
    assert float(result.sites.weights.sum()) == pytest.approx(1)
    assert "risk" in repr(result) and "beyond under 5" in repr(result)


def test_a_bad_bag_has_an_error_and_nothing_else(predictor: SurvivalPredictor, bag: Path) -> None:
    bad, good = predictor.predict([bag.with_name("absent.h5"), bag])
    assert "absent.h5" in bad.error and bad.survival == {} and "error" in repr(bad)
    assert not good.error
    for asked in (bad.or_raise, lambda: bad.risk, lambda: bad.sites):
        with pytest.raises(BadInput, match="absent.h5"):
            asked()


def test_a_saved_model_opens_as_what_it_is(predictor: SurvivalPredictor, bag: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "run", predictor.model, GIVEN)
    opened = load(tmp_path / "run", "cpu")
    assert isinstance(opened, SurvivalPredictor)
    assert opened.bins == BINS
    assert opened.predict([bag])[0].risk == predictor.predict([bag])[0].risk
    with pytest.raises(BadInput, match="span-survival is for survival. Open it by saccade.load"):
        SlidePredictor.open(tmp_path / "run")
