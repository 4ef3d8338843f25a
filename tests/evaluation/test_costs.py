"""The cost of cells and fields comes from their own measure, that of slides from theirs."""

import pytest

from saccade.evaluation import costs
from saccade.evaluation.assessment import Judged
from saccade.features.slide_input import SlideInput
from saccade.imaging.preprocessing import Preprocessing
from saccade.inference.predictor import Predictor
from saccade.inference.slide_predictor import SlidePredictor
from saccade.models import create_model


def test_each_scale_has_its_own_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "measure_costs", lambda *_, **options: {"images": options})
    monkeypatch.setattr(costs, "measure_slide_costs", lambda *_, **options: {"slides": options})
    cells = Predictor(create_model("tiny-cnn", ("a", "b")), Preprocessing(64, 3, (0.0,) * 3, (1.0,) * 3), "cpu")
    slides = SlidePredictor(create_model("mean-pooling", ("a", "b"), in_features=4), SlideInput("x", 4), "cpu")
    assert costs.costs_of(cells, Judged()) == {"images": {}}
    assert costs.costs_of(cells, Judged(), quick=True) == {"images": {"peers": (), "memory": False}}
    assert costs.costs_of(slides, Judged()) == {"slides": {"peers": costs.PEERS, "memory": True}}
    assert costs.costs_of(slides, Judged(), quick=True) == {"slides": {"peers": (), "memory": False}}
