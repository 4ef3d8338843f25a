"""Every task takes bags alike: results in the order of the bags, and one bad bag costing no other anything."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.features.loading import load_bags
from saccade.features.slide_input import SlideInput
from saccade.features.store import open_bag
from saccade.inference.bag_predictor import BagPredictor
from saccade.inference.segmentation_predictor import SegmentationPredictor
from saccade.inference.slide_predictor import SlidePredictor
from saccade.inference.survival_predictor import SurvivalPredictor
from saccade.models import create_model, create_segmenter
from tests.miniature_slides import DIM, write_bag

GIVEN = SlideInput("made-up", DIM, patch=224, mpp=0.5)
TASKS: dict[str, Callable[[], BagPredictor[Any, Any]]] = {
    "classes": lambda: SlidePredictor(create_model("mean-pooling", ("a", "b"), in_features=DIM).train(), GIVEN, "cpu"),
    "times": lambda: SurvivalPredictor(
        create_model("span-survival", ("early", "late"), in_features=DIM, width=8, heads=1).train(), GIVEN, "cpu"
    ),
    "patches": lambda: SegmentationPredictor(
        create_segmenter("span-unet", ("a", "b"), in_features=DIM, width=8, heads=1).train(), GIVEN, "cpu"
    ),
}


@pytest.fixture(params=TASKS)
def predictor(request: pytest.FixtureRequest) -> BagPredictor[Any, Any]:
    return TASKS[request.param]()


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{name}.h5" for name in "abc"]
    for seed, path in enumerate(found):
        write_bag(path, f"{path.stem}.svs", "tumour", seed, side=3 + seed)
    return found


def test_results_keep_their_order_and_a_bad_bag_costs_no_other(
    predictor: BagPredictor[Any, Any], paths: list[Path]
) -> None:
    damaged, absent = paths[0].with_name("damaged.h5"), paths[0].with_name("absent.h5")
    damaged.write_bytes(b"no bag at all")
    given = [paths[2], damaged, paths[0], absent, paths[1]]
    results = predictor.predict(given)
    assert [result.name for result in results] == [str(path) for path in given]
    assert [result.extent for result in results] == [(5 * 448,) * 2, (0, 0), (3 * 448,) * 2, (0, 0), (4 * 448,) * 2]
    for result, path in zip(results, given, strict=True):
        assert (path.name in result.error) == (path in (damaged, absent))


def test_one_bag_or_several_slides_in_one_are_refused(predictor: BagPredictor[Any, Any], paths: list[Path]) -> None:
    with pytest.raises(BadInput, match=r"one bag was handed in where a list of bags is wanted\. Put it in a list"):
        predictor.predict(str(paths[0]))
    both = load_bags([open_bag(path) for path in paths[:2]])
    assert "holds 2 slides where one is wanted" in predictor.predict([both])[0].error


def test_bags_are_streamed(predictor: BagPredictor[Any, Any], paths: list[Path]) -> None:
    """Some ahead, not all at once."""
    asked: list[Path] = []
    results = predictor.stream(asked.append(path) or path for path in [*paths, *paths])
    first = next(results)
    assert first.name == str(paths[0]) and len(asked) < len(paths) * 2
    assert [result.name for result in results] == [str(path) for path in [*paths[1:], *paths]]


def test_the_model_is_ready_and_gets_prepared_bags(predictor: BagPredictor[Any, Any], paths: list[Path]) -> None:
    assert not predictor.model.training
    assert predictor.device == torch.device("cpu")
    assert predictor.classes == predictor.model.classes
    loaded = predictor.load(paths[1])
    expected = predictor.model.preparation()(load_bags([open_bag(paths[1])]))
    with torch.inference_mode():
        assert predictor.model(loaded).logits.equal(predictor.model(expected).logits)
    with pytest.raises(BadInput, match="absent.h5"):
        predictor.load(paths[0].with_name("absent.h5"))


def test_a_slide_without_a_bag_has_its_error(predictor: BagPredictor[Any, Any]) -> None:
    result = predictor.failed("a.svs", "a.svs: is no slide")
    assert (result.name, result.item, result.error, result.note) == ("a.svs", "a.svs", "a.svs: is no slide", "")
    with pytest.raises(BadInput, match="is no slide"):
        result.or_raise()


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match="there is no device 'abacus' here"):
        SlidePredictor(create_model("mean-pooling", ("a", "b"), in_features=DIM), GIVEN, "abacus")
