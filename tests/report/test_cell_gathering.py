"""What a report of cells is made of: images of every class, mistakes among them, and masks in the model's pixels."""

from pathlib import Path

import numpy as np
import pytest
import torch

from saccade.datasets.simulators.cell_sets import write_dataset
from saccade.datasets.sources import open_manifest
from saccade.evaluation.assessment import LabelledImage, judge
from saccade.imaging.preprocessing import Preprocessing
from saccade.inference.predictor import Predictor
from saccade.inference.runs import Run
from saccade.models import create_model, options_of
from saccade.models.packaging import save_model
from saccade.report.cell_gathering import cell_examples, explain_some, resized_mask
from saccade.report.gathering import report_data


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("simulated"), {"test": 8}, size=24)


def report_on(path: Path, folder: Path, name: str = "sparse-attn-net", channels: int = 3):
    """Report data of an untrained model."""
    torch.manual_seed(0)
    manifest = open_manifest(path)
    wanted = {"budget": 60, "size": 24, "channels": channels}
    options = {key: value for key, value in wanted.items() if key in options_of(name)}
    model = create_model(name, manifest.classes, **options)
    save_model(folder, model, Preprocessing(24, channels, (0.5,) * channels, (0.2,) * channels))
    run = Run.open(folder)
    predictor = Predictor(run.package.model, run.package.preprocessing, "cpu")
    images = [LabelledImage(row, predictor.classes.index(row.label), row.label) for row in manifest.rows]
    judged = judge(predictor, images)
    metrics = judged.metrics(predictor.classes)
    cost = {name: {"parameters": 1, "pixels_read_fraction": 0.1, "pixels_looked_fraction": 1.0}}
    return predictor, judged, manifest, report_data(run, predictor, manifest, judged, metrics, cost, "test")


@pytest.mark.usefixtures("quick")
def test_a_report_of_simulated_cells(simulated: Path, tmp_path: Path) -> None:
    predictor, judged, manifest, data = report_on(simulated, tmp_path)
    assert data.origin == "simulated"
    assert data.title == "sparse-attn-net on simulated cells"
    assert data.facts["images"] == "40"
    assert data.facts["model"] == "sparse-attn-net, 24×24 pixels, 3 channels"
    assert data.maps is not None
    assert sum(data.maps.counts) == 40
    assert data.pointing is not None
    explained = explain_some(predictor, judged, manifest)
    assert len(data.pointing.labels) == len(explained.data)
    assert data.pointing.labels.tolist() == explained.data.labels.tolist()
    assert data.faithfulness is not None
    assert len(data.faithfulness.labels) == 2


@pytest.mark.usefixtures("quick")
def test_a_model_that_reads_whole_images_has_no_maps(simulated: Path, tmp_path: Path) -> None:
    *_, data = report_on(simulated, tmp_path, "tiny-cnn")
    assert (data.maps, data.pointing, data.faithfulness) == (None, None, None)
    assert data.examples is not None
    assert all(example.sites is None for example in data.examples)


def test_grey_images_have_one_channel(tmp_path: Path) -> None:
    for number in range(4):
        path = tmp_path / "data" / "ab"[number % 2] / f"{number}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.random.default_rng(number).integers(0, 255, (9, 9), dtype=np.uint8))
    *_, data = report_on(tmp_path / "data", tmp_path / "run", "tiny-cnn", channels=1)
    assert data.facts["model"] == "tiny-cnn, 24×24 pixels, 1 channel"


def test_examples_show_the_most_confident_mistakes(simulated: Path, tmp_path: Path) -> None:
    predictor, judged, *_ = report_on(simulated, tmp_path)
    examples = cell_examples(predictor, judged, True)
    for label, kind in enumerate(predictor.classes):
        own = [example for example in examples if example.label == kind]
        assert len(own) == 5
        predicted, confidence = judged.predicted, np.max(judged.probabilities, axis=1)
        wrong = [confidence[i] for i, image in enumerate(judged.images) if image.label == label != predicted[i]]
        shown = [example.probability for example in own if not example.right]
        assert len(shown) >= min(2, len(wrong))
        assert max(shown, default=0) == pytest.approx(max(wrong, default=0), abs=1e-5)
    assert len({example.name for example in examples}) == len(examples)


def test_masks_are_resized_by_area() -> None:
    mask = np.zeros((40, 20), bool)
    mask[:20, :10] = True
    small = resized_mask(mask, 4)
    assert small.tolist() == [[True, True, False, False]] * 2 + [[False] * 4] * 2
    assert (resized_mask(mask, 40)[:20, :20]).all()
