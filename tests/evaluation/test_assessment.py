"""Figures of a run on labelled images: every image meets its own label, and cost is what was counted."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from saccade.core.errors import BadInput
from saccade.core.manifest import Row
from saccade.datasets.medmnist import load_medmnist
from saccade.datasets.sources import open_manifest
from saccade.evaluation.assessment import PEERS, LabelledImage, decoding_speed, judge, measure_costs, ready_model
from saccade.imaging.preprocessing import Preprocessing
from saccade.inference.predictor import Predictor
from saccade.models import create_model
from tests.miniature_fields import make_field_model, make_fields


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    torch.manual_seed(0)
    classes = ("basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil")
    model = create_model("sparse-attn-net", classes, budget=30, site=1)
    return Predictor(model, Preprocessing(16, 3, (0.5,) * 3, (0.2,) * 3), "cpu")


def labelled(rows: tuple[Row, ...], classes: tuple[str, ...]) -> list[LabelledImage]:
    return [LabelledImage(row, classes.index(row.label), row.label) for row in rows]


def silent(done: int, total: int) -> None:
    assert 0 < done <= total


def test_every_image_meets_its_own_label(predictor: Predictor, cells: Path, tmp_path: Path) -> None:
    rows = open_manifest(cells).rows
    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    images = labelled((*rows[:70], Row(bad, rows[0].label), *rows[30:]), predictor.classes)
    skipped: list[str] = []
    judged = judge(predictor, images, silent, warn=skipped.append)
    assert judged.failed == 1
    (line,) = skipped
    assert line.startswith(f"skipped: {bad}: ")
    assert [image.row.path for image in judged.images] == [image.row.path for image in images if image.row.path != bad]
    expected = [predictor.predict([row.path])[0].probabilities for row in rows[:3]]
    for found, wanted in zip(judged.probabilities, expected, strict=False):
        assert found == pytest.approx(list(wanted.values()), abs=1e-5)
    metrics = judged.metrics(predictor.classes)
    labels = np.array([image.label for image in judged.images])
    assert metrics.accuracy.value == pytest.approx((judged.predicted == labels).mean())


def test_notes_are_one_line(tmp_path: Path) -> None:
    """Of training data whose files were overruled, every image would have one."""
    run = make_field_model(tmp_path / "run", mpp=0.5)
    manifest = open_manifest(make_fields(tmp_path / "fields", tiled=True))
    dots = {"resolution": (1e4 / 0.25,) * 2, "resolutionunit": "CENTIMETER"}
    for row in manifest.rows[1:]:
        tifffile.imwrite(row.path, tifffile.imread(row.path), photometric="rgb", **dots)
    fields, told = Predictor.open(run, "cpu"), []
    judged = judge(fields, labelled(manifest.rows, fields.classes), silent, warn=told.append)
    said = "states 0.25 micrometres per pixel, the model was trained at 0.5"
    assert not judged.failed and told == [f"note: {manifest.rows[1].path}: {said} (and 4 more)"]


def test_images_inside_a_file(predictor: Predictor, miniature: Path) -> None:
    rows = load_medmnist(miniature / "bloodmnist.npz").rows[25:35]
    images = labelled(rows, predictor.classes)
    judged = judge(predictor, images, silent)
    assert [image.row.name for image in judged.images] == [row.name for row in rows]


def test_no_image_left(predictor: Predictor, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(BadInput, match="none of the 1 images"):
        judge(predictor, labelled((Row(Path("nothing 100%d.png"), "monocyte"),), predictor.classes))
    (message,) = caplog.messages
    assert message.startswith("skipped: nothing 100%d.png: ")


def test_costs_are_counted(predictor: Predictor, cells: Path) -> None:
    judged = judge(predictor, labelled(open_manifest(cells).rows[:4], predictor.classes), silent)
    costs = measure_costs(predictor, judged, memory=False)
    own = costs["sparse-attn-net"]
    assert list(costs) == ["sparse-attn-net", *PEERS["cell"]]
    assert 0 < own["pixels_read_fraction"] < 1
    assert own["pixels_read_fraction"] == pytest.approx(np.mean(judged.read))
    assert own["parameters"] == sum(parameter.numel() for parameter in predictor.model.parameters())
    for cost in costs.values():
        assert cost["flops_per_image"] > 0
        assert cost["images_per_second"] > 0
    assert own["images_decoded_per_second"] > 0
    assert costs["resnet18"]["images_decoded_per_second"] is None
    assert costs["resnet18"]["pixels_read_fraction"] == 1
    assert costs["resnet18"]["pixels_looked_fraction"] == 0


def test_images_inside_a_file_have_no_decoding_speed(predictor: Predictor, miniature: Path) -> None:
    rows = load_medmnist(miniature / "bloodmnist.npz").rows[:3]
    assert decoding_speed(predictor, labelled(rows, predictor.classes)) is None


def test_the_form_whose_memory_is_measured() -> None:
    model = ready_model("sparse-attn-net", ("a", "b"), budget=12).eval()
    assert model(torch.rand(3, 3, 8, 8)).cost.reads.tolist() == [12.0] * 3
