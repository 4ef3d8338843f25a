"""The picture of a result shows its image, its sites and its probabilities."""

from pathlib import Path

import numpy as np

from saccade.inference.plotting import figure_png, result_figure, shows_patches
from saccade.inference.predictor import Predictor
from saccade.inference.result import Result
from tests.inference.test_result import make_prediction
from tests.miniature_fields import make_field_model


def make_result(classes: int = 2) -> Result:
    image = np.zeros((4, 6, 3), np.uint8)
    names = tuple(f"class {number}" for number in range(classes))
    prediction = make_prediction()
    logits = prediction.logits.new_zeros(1, classes).index_fill(1, prediction.logits.new_tensor([1]).long(), 3.0)
    return Result("array 1", image, names, type(prediction)(logits, prediction.sites, prediction.cost))


def test_three_panels_with_the_label_and_the_pixels_read() -> None:
    image, sites, bars = result_figure(make_result()).axes
    assert image.get_title() == "class 1"
    assert sites.get_title() == "12.5% of the pixels read, 100% looked at"
    shown = np.asarray(sites.get_images()[0].get_array())
    assert shown.shape == (4, 6, 3)
    assert shown[0, 0].any()
    assert not shown[1, 1].any()
    assert [label.get_text() for label in bars.get_yticklabels()] == ["class 0", "class 1"]


def test_many_classes_show_the_likeliest() -> None:
    bars = result_figure(make_result(30)).axes[2]
    labels = [label.get_text() for label in bars.get_yticklabels()]
    assert len(labels) == 12
    assert labels[-1] == "class 1"


def test_fields_show_numbered_places_and_their_patches(tmp_path: Path) -> None:
    field = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    (result,) = Predictor.open(make_field_model(tmp_path), "cpu").predict([field])
    assert shows_patches(result) and not shows_patches(make_result())
    left, middle, _ = result_figure(result).axes
    shown = np.asarray(left.get_images()[0].get_array())
    same = (shown == field).all(2)
    assert shown.shape == (120, 160, 3) and 0.3 < same.mean() < 1
    x0, y0, *_ = (int(edge) for edge in result.boxes[result.weights.argmax()])
    patches = np.asarray(middle.get_images()[0].get_array())
    factor = 5
    one = patches[36 : 36 + 24 * factor : factor, 10 : 10 + 24 * factor : factor]
    beyond = np.pad(field, ((24, 24), (24, 24), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(one, beyond[y0 + 24 : y0 + 48, x0 + 24 : x0 + 48])


def test_no_window_is_left_open() -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    assert figure_png(result_figure(make_result())).startswith(b"\x89PNG")
    assert plt.get_fignums() == before
