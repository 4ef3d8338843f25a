"""Images of any size and kind go in; answers, in the images' own pixels, come out in order."""

import gc
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import saccade
from saccade.core.errors import BadInput
from saccade.imaging.preprocessing import Preprocessing
from saccade.inference.predictor import Predictor
from saccade.models import create_model
from saccade.models.packaging import save_model

SIZE = 16


def make_predictor(channels: int = 3, kind: str = "uint8", scale: float = 255.0) -> Predictor:
    torch.manual_seed(0)
    model = create_model("sparse-attn-net", ("a", "b", "c"), channels=channels, budget=30)
    ones = (0.5,) * channels
    return Predictor(model, Preprocessing(SIZE, channels, ones, ones, scale=scale, kind=kind), "cpu")


def picture(height: int = 20, width: int = 30, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return make_predictor()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Images of several types and sizes."""
    paths = [tmp_path / name for name in ("a.png", "b.bmp", "c.jpg", "d.tif")]
    for number, path in enumerate(paths):
        Image.fromarray(picture(10 + 9 * number, 25, seed=number)).save(path)
    return paths


def test_answers_are_those_of_the_bare_model(predictor: Predictor) -> None:
    images = [picture(SIZE, SIZE, seed=seed) for seed in range(5)]
    with torch.no_grad():
        plain = predictor.model(torch.stack([predictor.preprocessing(image) for image in images]))
    for row, result in enumerate(predictor.predict(images, batch_size=2)):
        assert result.label == predictor.classes[int(plain.logits[row].argmax())]
        expected = plain.probabilities[row].tolist()
        assert list(result.probabilities.values()) == pytest.approx(expected, abs=1e-4)


def test_files_and_arrays_of_any_size_in_one_go(predictor: Predictor, files: list[Path]) -> None:
    items = [str(files[0]), files[1], picture(), picture(1, 1), picture(200, 7), *files[2:]]
    results = predictor.predict(items, batch_size=3)
    assert [bool(result.error) for result in results] == [False] * 7
    assert [result.name for result in results[:3]] == [str(files[0]), str(files[1]), "array 3"]
    assert all(sum(result.probabilities.values()) == pytest.approx(1, abs=1e-5) for result in results)


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_the_batch_changes_nothing(predictor: Predictor, batch_size: int) -> None:
    images = [picture(9 + seed, 30, seed=seed) for seed in range(4)]
    expected = [predictor.predict([image])[0].probabilities for image in images]
    for one, other in zip(predictor.predict(images, batch_size), expected, strict=True):
        assert one.probabilities == pytest.approx(other, abs=1e-5)


def test_sites_are_in_the_pixels_of_the_original(predictor: Predictor) -> None:
    image = picture(48, 80)
    result = predictor.predict([image])[0]
    boxes, weights = result.boxes, result.weights
    assert boxes.shape == (30, 4)
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert boxes.min() >= 0
    assert boxes[:, 2].max() <= 80
    assert boxes[:, 3].max() <= 48
    with torch.no_grad():
        square = predictor.model(predictor.preprocessing(image)[None]).sites.boxes[0].numpy()
    expected = square * [
        80 / SIZE,
        48 / SIZE,
        80 / SIZE,
        48 / SIZE,
    ]  # the sites of an image come in no particular order
    assert np.allclose(boxes[np.lexsort(boxes.T)], expected[np.lexsort(expected.T)])


@pytest.mark.parametrize(("kind", "scale"), [("uint16", 65535.0), ("float32", 1.0)])
def test_arrays_of_the_kind_the_model_was_trained_on(kind: str, scale: float) -> None:
    predictor = make_predictor(1, kind, scale)
    image = (picture(12, 14, 1) / 255 * scale).astype(kind)
    good, flat, wrong = predictor.predict([image, image[..., 0], picture(12, 14, 1)])
    assert good.probabilities == pytest.approx(flat.probabilities)
    assert "holds uint8 values" in wrong.error


def test_tensors_are_taken_for_arrays(predictor: Predictor) -> None:
    image = picture(20, 20)
    channels_first = torch.from_numpy(image).permute(2, 0, 1)
    one, other = predictor.predict([image, channels_first])
    assert one.probabilities == pytest.approx(other.probabilities)


def test_bad_images_are_told_and_the_others_predicted(predictor: Predictor, files: list[Path], tmp_path: Path) -> None:
    truncated, text = tmp_path / "truncated.png", tmp_path / "text.png"
    truncated.write_bytes(files[0].read_bytes()[:200])
    text.write_text("no image")
    nan = np.full((4, 4, 3), np.nan, np.float32)
    items = [files[0], truncated, text, tmp_path / "missing.png", nan, picture(5, 5, 4), "notes.docx", files[1]]
    results = predictor.predict(items, batch_size=3)
    assert [bool(result.error) for result in results] == [False, *[True] * 6, False]
    for item, result in zip(items[1:4], results[1:4], strict=True):
        assert str(item) in result.error
    assert "array 5" in results[4].error
    assert all("\n" not in result.error for result in results)


def test_only_bad_images(predictor: Predictor) -> None:
    results = predictor.predict(["missing.png"] * 3, batch_size=2)
    assert [result.label for result in results] == [""] * 3


def test_nothing_to_predict(predictor: Predictor) -> None:
    assert predictor.predict([]) == []


@pytest.mark.parametrize("item", ["a.png", np.zeros((4, 4, 3), np.uint8)])
def test_one_image_where_a_list_is_meant(predictor: Predictor, item: object) -> None:
    with pytest.raises(BadInput, match="Put it in a list"):
        predictor.predict(item)  # type: ignore[arg-type]


def test_a_batch_of_images_in_one_array(predictor: Predictor) -> None:
    assert len(predictor.predict(np.stack([picture(), picture()]))) == 2


def test_a_batch_size_of_nothing(predictor: Predictor) -> None:
    with pytest.raises(BadInput, match="holds none"):
        predictor.predict([picture()], batch_size=0)


def test_streams_take_no_more_than_two_batches_ahead(predictor: Predictor) -> None:
    taken = 0

    def items() -> Iterator[np.ndarray]:
        nonlocal taken
        for seed in range(100):
            taken += 1
            yield picture(seed=seed)

    stream = predictor.stream(items(), batch_size=4)
    next(stream)
    assert taken == 8
    stream.close()


def test_results_do_not_hold_the_files_pixels(predictor: Predictor, files: list[Path]) -> None:
    results = predictor.predict(files)
    gc.collect()
    assert results[0].item == files[0]
    assert (results[0].image() == cv2.imread(str(files[0]))[..., ::-1]).all()


def test_a_changed_budget_counts(predictor: Predictor) -> None:
    changed = make_predictor()
    changed.model.budget = 7
    assert len(changed.predict([picture()])[0].boxes) == 7
    assert len(predictor.predict([picture()])[0].boxes) == 30


def test_open_and_load_give_the_same_answers(tmp_path: Path, predictor: Predictor) -> None:
    save_model(tmp_path / "model", predictor.model, predictor.preprocessing)
    expected = predictor.predict([picture()])[0].probabilities
    for opened in (Predictor.open(tmp_path / "model", "cpu"), saccade.load(tmp_path / "model", "cpu")):
        assert opened.predict([picture()])[0].probabilities == pytest.approx(expected, abs=1e-6)
