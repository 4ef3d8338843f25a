"""What a model of slides costs, for the bag in the middle."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from saccade.core.manifest import Row
from saccade.evaluation import slide_costs
from saccade.evaluation.assessment import Judged, LabelledImage
from saccade.evaluation.costs import costs_of
from saccade.evaluation.memory import peak_memory_bytes
from saccade.evaluation.memory_probe import build
from saccade.evaluation.slide_costs import measure_slide_costs, middle_bag
from saccade.features.slide_input import SlideInput
from saccade.inference.slide_predictor import SlidePredictor
from saccade.models import create_model
from tests.miniature_slides import DIM, write_bag


@pytest.fixture
def predictor() -> SlidePredictor:
    model = create_model("mean-pooling", ("a", "b"), in_features=DIM)
    return SlidePredictor(model, SlideInput("made-up", DIM), "cpu")


@pytest.fixture
def judged(tmp_path: Path, predictor: SlidePredictor) -> Judged:
    judged = Judged()
    for side in (5, 2, 3):
        path = tmp_path / f"{side}.h5"
        write_bag(path, f"{side}.svs", "normal", side, side=side)
        judged.add(LabelledImage(Row(path, "a", path.name), 0, "a", path), predictor.predict([path])[0])
    return judged


def test_the_bag_has_the_middle_number_of_patches(predictor: SlidePredictor, judged: Judged) -> None:
    assert middle_bag(predictor, judged).lengths == (9,)


def test_parameters_and_flops_are_those_of_the_formulas(predictor: SlidePredictor, judged: Judged) -> None:
    cost = measure_slide_costs(predictor, judged, peers=("gated-abmil",), memory=False)
    own, peer = cost["mean-pooling"], cost["gated-abmil"]
    assert own["parameters"] == sum(p.numel() for p in predictor.model.parameters())
    assert own["patches"] == 9
    assert own["images_per_second"] > 0
    assert own["pixels_read_fraction"] == pytest.approx(0.25)
    assert peer["parameters"] > own["parameters"]
    assert peer["flops_per_image"] > own["flops_per_image"] > 0


def test_memory_is_that_of_a_slide_with_as_many_patches(
    predictor: SlidePredictor, judged: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, Any], tuple[int, ...]]] = []

    def probe(factory: str, arguments: dict[str, Any], *, shape: tuple[int, ...]) -> int:
        asked.append((factory, arguments, shape))
        return 1000

    monkeypatch.setattr(slide_costs, "peak_memory_bytes", probe)
    cost = measure_slide_costs(predictor, judged, peers=("gated-abmil",))
    assert cost["mean-pooling"]["peak_memory_bytes"] == 1000
    assert cost["gated-abmil"]["peak_memory_bytes"] is None
    ((factory, arguments, shape),) = asked
    assert shape == (9, DIM)
    model = build(factory, arguments)  # as the probe does, in a process of its own
    assert model(torch.rand(*shape)).sites.weights.shape == (1, 9)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process forget its peak")
def test_memory_grows_with_the_slide() -> None:
    """Mean pooling keeps features and tokens of every patch, and little else."""
    arguments = {"name": "mean-pooling", "classes": ["a", "b"], "in_features": 512}
    few, many = (
        peak_memory_bytes("saccade.evaluation.slide_costs:model_on_a_lattice", arguments, shape=(n, 512), repeats=1)
        for n in (5_000, 25_000)
    )
    assert few is not None and many is not None
    assert many - few >= 0.9 * 4 * 512 * 20_000, "the features alone are as large"


def test_costs_are_measured_by_scale_and_quickly_without_peers(predictor: SlidePredictor, judged: Judged) -> None:
    assert list(costs_of(predictor, judged, quick=True)) == ["mean-pooling"]
