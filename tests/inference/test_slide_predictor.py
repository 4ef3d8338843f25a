"""Bags in, results out: each with its patches as sites, and features as the training had them."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.features.loading import load_bags
from saccade.features.slide_input import SlideInput
from saccade.features.store import BagAttributes, BagWriter, open_bag
from saccade.inference import load
from saccade.inference.bag_loading import bag_item
from saccade.inference.predictor import Predictor
from saccade.inference.slide_predictor import SlidePredictor
from saccade.models import create_model
from saccade.models.packaging import save_model
from tests.miniature_slides import DIM, write_bag

GIVEN = SlideInput("made-up", DIM, patch=224, mpp=0.5)


@pytest.fixture
def predictor() -> SlidePredictor:
    return SlidePredictor(create_model("span", ("a", "b"), in_features=DIM, width=8, heads=1), GIVEN, "cpu")


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{name}.h5" for name in "abc"]
    for seed, path in enumerate(found):
        write_bag(path, f"{path.stem}.svs", "tumour", seed, side=3 + seed)
    return found


def test_files_bags_and_what_is_in_memory_are_the_same(predictor: SlidePredictor, paths: list[Path]) -> None:
    stored = open_bag(paths[0])
    results = predictor.predict([paths[0], str(paths[0]), stored, load_bags([stored])])
    assert [result.name for result in results] == [str(paths[0])] * 3 + ["bag 4"]
    for result in results:
        assert result.or_raise().weights.sum() == pytest.approx(1)
        assert result.boxes.shape == (9, 4)
        assert result.prediction is not None
        assert results[0].prediction is not None
        assert result.prediction.logits.equal(results[0].prediction.logits)
    assert results[0].extent == (3 * 448, 3 * 448)
    assert "read 25.0%" in repr(results[0])


def test_what_needs_the_size_of_base_pixels_is_opened_with_it(predictor: SlidePredictor, tmp_path: Path) -> None:
    """STAMP's coordinates are in micrometres."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["feats"], file["coords"] = np.ones((2, DIM), np.float32), np.array([[0.0, 0.0], [256.0, 0.0]])
        file.attrs.update({"unit": "um", "tile_size_um": 256.0})
    assert bag_item(path) == path, "nothing to place it by"
    placed, unplaced = predictor.predict([bag_item(path, 0.5), bag_item(path)])
    assert placed.boxes.tolist() == [[0, 0, 512, 512], [512, 0, 1024, 512]]
    assert "micrometres" in unplaced.error
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"no bag at all")
    assert bag_item(damaged, 0.5) == damaged, "what is wrong with it is told when it is predicted"


def test_features_are_normalised_as_in_training(paths: list[Path]) -> None:
    model = create_model("mean-pooling", ("a", "b"), in_features=DIM)
    bags = load_bags([open_bag(paths[0])])
    given = replace(GIVEN, mean=(5.0,) * DIM, std=(2.0,) * DIM)
    expected = model.eval()(replace(bags, features=(bags.features - 5) / 2)).logits
    for item in (paths[0], bags):
        found = SlidePredictor(model, given, "cpu").predict([item])[0].prediction
        assert found is not None
        assert torch.allclose(found.logits, expected, atol=1e-6)


def test_another_encoder_is_refused_and_another_size_of_patch_is_noted(paths: list[Path]) -> None:
    model = create_model("span", ("a", "b"), in_features=DIM, width=8, heads=1)
    other = SlidePredictor(model, replace(GIVEN, encoder="uni"), "cpu").predict(paths[:1])[0]
    assert "features of made-up where uni's are wanted" in other.error
    coarse = SlidePredictor(model, replace(GIVEN, mpp=1.0), "cpu").predict(paths[:1])[0]
    assert not coarse.error
    assert "112 µm wide, those of the training were 224 µm" in coarse.note


def test_of_a_slide_without_tissue_nothing_is_said(predictor: SlidePredictor) -> None:
    empty = Bags(torch.zeros(0, DIM), torch.zeros(0, 2, dtype=torch.long), (0,))
    result = predictor.predict([empty])[0]
    assert result.error.startswith("bag 1: holds no patch of tissue, so nothing can be said of it")
    assert (result.label, result.probabilities, result.note) == ("", {}, "")


def test_a_saved_model_opens_as_what_it_is(tmp_path: Path, paths: list[Path], predictor: SlidePredictor) -> None:
    save_model(tmp_path / "run", predictor.model, GIVEN)
    opened = load(tmp_path / "run", "cpu")
    assert isinstance(opened, SlidePredictor)
    mine, theirs = (each.predict(paths)[1].probabilities for each in (opened, predictor))
    assert mine == theirs
    assert isinstance(SlidePredictor.open(tmp_path / "run"), SlidePredictor)
    with pytest.raises(BadInput, match="span is a model of slides"):
        Predictor.open(tmp_path / "run")


def test_patches_off_the_lattice_are_treated_as_in_the_training(tmp_path: Path) -> None:
    told = BagAttributes("a.svs", patch_size=256, patch_size_level0=512, mpp=0.5, source_mpp=0.25, encoder="made-up")
    places = np.array([[0, 0], [512, 0], [1024, 0], [1536, 200], [2048, 0]], np.int64)
    with BagWriter(tmp_path / "a.h5", rows=5, dim=DIM, coords=places, attributes=told) as writer:
        writer.put(0, np.ones((5, DIM), np.float32))
    model = create_model("span", ("a", "b"), in_features=DIM, width=8, heads=1)
    given = SlideInput("made-up", DIM)
    assert "lattice" in SlidePredictor(model, given, "cpu").predict([tmp_path / "a.h5"])[0].error
    save_model(tmp_path / "run", model, replace(given, snap="nearest"))
    result = load(tmp_path / "run", "cpu").predict([tmp_path / "a.h5"])[0]
    assert not result.error
    assert len(result.boxes) == 5
