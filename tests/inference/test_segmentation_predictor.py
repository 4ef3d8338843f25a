"""Bags in, classes of patches out: what a result says is what the model says, and runs open as what they are."""

from pathlib import Path

import numpy as np
import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.features.slide_input import SlideInput
from saccade.inference import load
from saccade.inference.hub import open_predictor
from saccade.inference.segmentation_predictor import SegmentationPredictor
from saccade.inference.slide_predictor import SlidePredictor
from saccade.models import create_segmenter
from saccade.models.packaging import load_model, save_model
from tests.miniature_slides import DIM, write_bag

CLASSES = ("normal", "stroma", "tumour")
GIVEN = SlideInput("made-up", DIM, patch=224, mpp=0.5)


@pytest.fixture
def predictor() -> SegmentationPredictor:
    return SegmentationPredictor(
        create_segmenter("span-unet", CLASSES, in_features=DIM, width=8, heads=1), GIVEN, "cpu"
    )


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    write_bag(tmp_path / "a.h5", "a.svs", "tumour", 1)
    return tmp_path / "a.h5"


def test_classes_are_the_most_probable_ones(predictor: SegmentationPredictor, bag: Path) -> None:
    (result,) = predictor.predict([bag])
    assert result.or_raise().segmentation is not None
    logits = result.segmentation.logits[0]
    np.testing.assert_allclose(result.probabilities, logits.softmax(1).numpy(), atol=1e-6)
    assert result.labels.tolist() == logits.argmax(1).tolist()
    counts = [int((result.labels == number).sum()) for number in range(3)]
    assert list(result.shares.values()) == pytest.approx([count / 16 for count in counts])
    assert result.boxes[1].tolist() == [448, 0, 896, 448]
    assert "16 patches" in repr(result)


def test_bad_and_empty_bags(predictor: SegmentationPredictor, bag: Path) -> None:
    empty = Bags(torch.zeros(0, DIM), torch.zeros(0, 2, dtype=torch.long), (0,))
    bad, none, good = predictor.predict([bag.with_name("absent.h5"), empty, bag])
    assert "absent.h5" in bad.error and bad.shares == {} and "error" in repr(bad)
    assert "no patch of tissue" in none.error and none.shares == {}
    assert not good.error
    for asked in (bad.or_raise, lambda: bad.labels, lambda: bad.boxes):
        with pytest.raises(BadInput, match="absent.h5"):
            asked()


def test_a_saved_model_opens_as_what_it_is(predictor: SegmentationPredictor, bag: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "run", predictor.model, GIVEN)
    opened = load(tmp_path / "run", "cpu")
    assert isinstance(opened, SegmentationPredictor) and opened.classes == CLASSES
    assert (opened.predict([bag])[0].probabilities == predictor.predict([bag])[0].probabilities).all()
    with pytest.raises(BadInput, match="span-unet is for segmentation and gives no class"):
        open_predictor(load_model(tmp_path / "run"))
    with pytest.raises(BadInput, match="span-unet is for segmentation"):
        SlidePredictor.open(tmp_path / "run")
