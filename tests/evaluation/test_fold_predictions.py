"""Predictions of folds: every image meets its own row, tables survive the way there and back, pairs are by image."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.datasets.cells import CellData, open_data
from saccade.evaluation.comparison import paired_difference
from saccade.evaluation.fold_predictions import (
    FoldPredictions,
    PartPrediction,
    TriedImage,
    accuracy_difference,
    predict_part,
)
from saccade.evaluation.metrics import evaluate_predictions
from saccade.inference.predictor import Predictor
from saccade.models import create_model
from saccade.models.packaging import save_model

CLASSES = ("a", "b")


@pytest.fixture(scope="module")
def data(cells: Path) -> CellData:
    return open_data(cells / "manifest.csv", 8)


@pytest.fixture(scope="module")
def run(data: CellData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("run")
    save_model(folder, create_model("tiny-cnn", data.classes, channels=3), data.preprocessing)
    return folder


def test_a_part_is_predicted_as_the_predictor_does(run: Path, data: CellData) -> None:
    part = data.part("test").take(range(len(data.part("test")))[::-1])
    found = predict_part(run, part, "cpu")
    expected = Predictor.open(run, "cpu").predict([row.path for row in part.rows])
    assert found.errors == ("",) * len(part)
    wanted = [list(result.probabilities.values()) for result in expected]
    np.testing.assert_allclose(found.probabilities, wanted, atol=1e-6)


def test_images_inside_archives_keep_their_places(run: Path, data: CellData, miniature: Path) -> None:
    """Among files, which are opened before them."""
    archived = open_data(miniature / "bloodmnist.npz", 8).part("val")
    names = {name: number for number, name in enumerate(data.classes)}
    four = data.part("val").take(range(4))
    rows = (four.rows[0], archived.rows[3], four.rows[1], archived.rows[0])
    labels = torch.tensor([names[row.label] for row in rows])
    mixed = replace(four, manifest=replace(four.manifest, rows=rows), labels=labels)
    found = predict_part(run, mixed, "cpu").probabilities
    pixels = np.load(miniature / "bloodmnist.npz")["val_images"]
    items = [rows[0].path, pixels[3], rows[2].path, pixels[0]]
    wanted = [list(result.probabilities.values()) for result in Predictor.open(run, "cpu").predict(items)]
    assert len({tuple(each) for each in wanted}) == 4
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_what_cannot_be_opened_has_an_error_and_no_numbers(run: Path, data: CellData, tmp_path: Path) -> None:
    part = data.part("test")
    (tmp_path / "bad.png").write_text("no image")
    rows = (part.rows[0], replace(part.rows[1], path=tmp_path / "bad.png"), *part.rows[2:])
    found = predict_part(run, replace(part, manifest=replace(part.manifest, rows=rows)), "cpu")
    assert [bool(error) for error in found.errors] == [number == 1 for number in range(len(part))]
    assert "bad.png" in found.errors[1]
    assert np.isnan(found.probabilities[1]).all() and np.isfinite(np.delete(found.probabilities, 1, 0)).all()


def tried(number: int, label: str, chance: float, fold: int = 0, error: str = "") -> TriedImage:
    known = () if error else (1 - chance, chance)
    return TriedImage(f"c{number // 2}" if number % 3 else "", f"{number}.png", fold, label, known, error)


def some(seed: int, missing: tuple[int, ...] = ()) -> FoldPredictions:
    dice = np.random.default_rng(seed)
    chances, labels = dice.random(20), dice.choice(list(CLASSES), 20)
    images = [
        tried(number, str(label), float(chance), number % 4, "gone" if number in missing else "")
        for number, (label, chance) in enumerate(zip(labels, chances, strict=True))
    ]
    return FoldPredictions(CLASSES, tuple(images))


def test_the_table_comes_back(tmp_path: Path) -> None:
    whole = some(0, missing=(3,))
    whole.save(tmp_path / "t.csv")
    back = FoldPredictions.load(tmp_path / "t.csv")
    assert [replace(image, probabilities=()) for image in back.images] == [
        replace(image, probabilities=()) for image in whole.images
    ]
    np.testing.assert_array_equal(back.probabilities.astype(np.float32), whole.probabilities.astype(np.float32))
    assert back.classes == CLASSES
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[0] == "case_id,path,fold,label,predicted,p_a,p_b,error"
    assert lines[4].startswith(",3.png,3,") and lines[4].endswith(",,,,gone")
    back.save(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "t.csv").read_bytes()


def test_awkward_names_come_back(tmp_path: Path) -> None:
    classes = ("p_A", "a, b", "A")
    image = TriedImage(' "c" ', "x/ü,.png", 2, "A", (0.25, 0.25, 0.5))
    FoldPredictions(classes, (image,)).save(tmp_path / "t.csv")
    back = FoldPredictions.load(tmp_path / "t.csv")
    assert (back.classes, back.images) == (classes, (image,))


def test_figures_are_over_what_could_be_opened_and_cases() -> None:
    whole = some(1, missing=(0, 7))
    kept = [image for image in whole.images if not image.error]
    assert len(kept) == 18
    chances = np.array([image.probabilities for image in kept])
    labels = np.array([CLASSES.index(image.label) for image in kept])
    cases = [image.case_id or image.name for image in kept]
    assert whole.metrics() == evaluate_predictions(chances, labels, cases, CLASSES)
    assert whole.metrics().n == 18
    halves = [FoldPredictions(CLASSES, images) for images in (whole.images[:5], whole.images[5:])]
    assert FoldPredictions.joined(halves) == whole
    with pytest.raises(BadInput, match="no images"):
        FoldPredictions(CLASSES, (tried(0, "a", 0.5, error="gone"),)).metrics()


def test_pairs_are_the_images_that_both_could_open() -> None:
    """In whatever order they stand."""
    one, other = some(2, missing=(1, 2)), some(3, missing=(2, 5))
    relabelled = [replace(b, label=a.label) for a, b in zip(one.images, other.images, strict=True)]
    other = FoldPredictions(CLASSES, tuple(relabelled))
    both = [number for number in range(20) if number not in (1, 2, 5)]

    def is_right(image: TriedImage) -> bool:
        return image.label == CLASSES[int(image.probabilities[1] > 0.5)]

    right = [[is_right(each.images[number]) for number in both] for each in (one, other)]
    wanted = paired_difference(np.array(right[0]), np.array(right[1]), [one.images[n].case for n in both])
    assert wanted.value != 0
    assert accuracy_difference(one, other) == wanted
    assert accuracy_difference(one, FoldPredictions(CLASSES, other.images[::-1])) == wanted


def test_rows_meet_their_predictions(data: CellData) -> None:
    rows = data.part("test").rows[:2]
    found = PartPrediction(np.array([[0.1, 0.2, 0.3, 0.2, 0.2], [np.nan] * 5]), ("", "gone"))
    first, second = FoldPredictions.of(data.classes, 4, rows, found).images
    assert (first.name, first.case_id, first.label, first.fold) == (rows[0].name, rows[0].case_id, rows[0].label, 4)
    assert first.probabilities == (0.1, 0.2, 0.3, 0.2, 0.2)
    assert (second.probabilities, second.error) == ((), "gone")
