"""A result says what is known of one image, or why nothing is."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from saccade.core.errors import BadInput
from saccade.core.results import Cost, Prediction, Sites
from saccade.inference.result import Result


def make_prediction() -> Prediction:
    sites = Sites(
        torch.tensor([[[0.0, 0, 1, 1], [2, 2, 3, 3], [0, 0, 0, 0]]]),
        torch.tensor([[0.75, 0.25, 0.0]]),
        torch.tensor([[True, True, False]]),
    )
    cost = Cost(*(torch.tensor([value], dtype=torch.float64) for value in (16.0, 16.0, 2.0, 16.0, 2.0)))
    return Prediction(torch.tensor([[0.0, 2.0]]), sites, cost)


@pytest.fixture
def result() -> Result:
    image = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Result("array 1", image, ("a", "b"), make_prediction())


def test_what_a_result_says(result: Result) -> None:
    assert result.label == "b"
    assert result.probabilities == pytest.approx({"a": 0.1192, "b": 0.8808}, abs=1e-4)
    assert result.boxes.tolist() == [[0, 0, 1, 1], [2, 2, 3, 3]]
    assert result.weights.tolist() == [0.75, 0.25]
    assert float(result.cost.pixels_read_fraction) == 0.125
    assert result.or_raise() is result
    assert repr(result) == "Result(array 1: b 88.1%, read 12.5%, looked at 100.0% of the pixels)"


def test_what_a_result_after_an_error_says() -> None:
    bad = Result("x.png", "x.png", ("a", "b"), error="x.png: the file is empty")
    assert (bad.label, bad.probabilities) == ("", {})
    assert "the file is empty" in repr(bad)
    assert bad._repr_png_() is None
    for use in (bad.or_raise, bad.plot, lambda: bad.sites, lambda: bad.weights, lambda: bad.cost):
        with pytest.raises(BadInput, match="the file is empty"):
            use()


def test_the_image_is_opened_anew(result: Result, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(result.item).save(path)
    from_file = Result(str(path), path, ("a", "b"), make_prediction())
    assert (from_file.image() == result.image()).all()


def test_a_notebook_gets_a_png(result: Result) -> None:
    png = result._repr_png_()
    assert png is not None
    assert png.startswith(b"\x89PNG")
