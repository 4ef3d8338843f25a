"""One slide explained into a folder, with the slide at hand and without."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.explanation import slide_explanation
from saccade.explanation.signed_evidence import FIRST_ORDER, signed_evidence
from saccade.explanation.slide_explanation import SlideExplanation, explain_slide, ground_of
from saccade.features.loading import load_bags
from saccade.features.store import Bag, BagAttributes, BagWriter, open_bag
from saccade.imaging.slides import Slide, open_slide
from saccade.imaging.tissue.outlines import Outline
from saccade.models.baselines.mean_pooling import mean_pooling
from saccade.models.span import Span, span
from tests.slide_files import pyramid, write_pyramid

PATCH, COLUMNS, ROWS = 64, 12, 8
BOTH = {"map", "signed", "table", "geojson"}


@pytest.fixture
def slide(tmp_path: Path) -> Slide:
    return open_slide(write_pyramid(tmp_path / "s.tif", pyramid()))


@pytest.fixture
def stored(tmp_path: Path) -> Bag:
    coords = np.array([[x, y] for y in range(ROWS) for x in range(COLUMNS) if (x + y) % 5]) * PATCH
    told = BagAttributes(
        "s.tif", PATCH, PATCH, 0.25, 0.25, COLUMNS * PATCH, ROWS * PATCH, extra={"bounds": [8, 4, 9, 9]}
    )
    with BagWriter(tmp_path / "s.h5", rows=len(coords), dim=16, coords=coords, attributes=told) as writer:
        writer.put(0, np.random.default_rng(0).normal(size=(len(coords), 16)).astype(np.float32))
    return open_bag(tmp_path / "s.h5")


@pytest.fixture
def model() -> Span:
    return span(("normal", "tumour"), in_features=16, width=16).eval()


def rows_of(explanation: SlideExplanation) -> list[dict[str, str]]:
    with explanation.files["table"].open(newline="") as file:
        return list(csv.DictReader(file))


def test_everything_is_written(tmp_path: Path, model: Span, stored: Bag, slide: Slide) -> None:
    bags = load_bags([stored])
    region = [Outline(np.array([[0.0, 0], [256, 0], [256, 512], [0, 512]]))]
    found = explain_slide(model, bags, tmp_path / "out", "s", slide=slide, stored=stored, region=region)
    names = {"s_map.png", "s_signed.png", "s_patches.png", "s_sites.csv", "s.geojson", "s_faithfulness.png"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    assert {path.name for path in found.files.values()} == names
    for path in found.files.values():
        if path.suffix == ".png":
            assert cv2.imread(str(path)) is not None
    rows = rows_of(found)
    assert len(rows) == len(stored) and sum(float(row["weight"]) for row in rows) == pytest.approx(1, abs=1e-4)
    predicted = int(model(bags).logits[0].argmax())
    assert found.target == model.classes[predicted]
    values = signed_evidence(model, bags).values.double().numpy()
    np.testing.assert_allclose(found.sites.evidence, values, atol=1e-6)
    assert found.pointing is not None and found.pointing.area == pytest.approx(
        np.mean([x < 256 for x in stored.coords[:, 0]])
    )
    assert found.faithfulness is not None and len(found.faithfulness.curves) == 5
    start = found.faithfulness.curves["heaviest first"].deletion[0, 0]
    assert start == pytest.approx(float(found.prediction.probabilities[0, predicted].detach()), abs=1e-6)


def test_without_the_slide_the_bag_tells_its_size_and_corner(tmp_path: Path, model: Span, stored: Bag) -> None:
    found = explain_slide(model, load_bags([stored]), tmp_path, "s", stored=stored, faithful=False)
    assert set(found.files) == BOTH and found.faithfulness is None and found.pointing is None
    ground = ground_of(found.sites, stored=stored)
    assert ground.picture.shape[:2] == (800, 1200) and ground.mpp == 0.25
    assert cv2.imread(str(found.files["map"])).shape[1] == 1200
    tiles = json.loads(found.files["geojson"].read_text())["features"]
    corner = tiles[0]["geometry"]["coordinates"][0][0]
    row = rows_of(found)[0]
    assert corner == [int(row["x"]) - 8, int(row["y"]) - 4], "QuPath counts from the corner that the bag noted"


def test_from_the_lattice_alone_and_for_another_class(tmp_path: Path, model: Span, stored: Bag) -> None:
    bags = load_bags([stored])
    one, other = (
        explain_slide(model, bags, tmp_path, f"s{target}", target=target, faithful=False, places=FIRST_ORDER)
        for target in (0, 1)
    )
    assert (one.target, other.target) == model.classes
    np.testing.assert_allclose(one.sites.evidence, -other.sites.evidence, atol=1e-6)
    np.testing.assert_allclose(one.sites.weights, other.sites.weights)
    assert set(one.files) == BOTH


def test_the_same_bytes_again(tmp_path: Path, model: Span, stored: Bag, slide: Slide) -> None:
    bags = load_bags([stored])
    first, second = (
        explain_slide(model, bags, tmp_path / name, "s", slide=slide, faithful=False) for name in ("a", "b")
    )
    for key, path in first.files.items():
        assert path.read_bytes() == second.files[key].read_bytes(), key


@pytest.mark.parametrize("patches", [1, 2])
def test_slides_of_few_patches(tmp_path: Path, model: Span, stored: Bag, patches: int) -> None:
    whole = load_bags([stored])
    bags = Bags(whole.features[:patches], whole.cells[:patches], (patches,), whole.boxes[:patches])
    found = explain_slide(model, bags, tmp_path, "s")
    assert len(rows_of(found)) == patches and len(found.files) == 5


def test_refused_before_anything_is_written(tmp_path: Path, model: Span, stored: Bag) -> None:
    bags = load_bags([stored])
    empty = Bags(bags.features[:0], bags.cells[:0], (0,), bags.boxes[:0])
    cases = [
        (model, empty, "no patches"),
        (model, Bags.concatenate([bags, bags]), "2 slides"),
        (model, replace(bags, features=torch.zeros(len(bags.features), 3)), "features of 3 numbers"),
    ]
    for given, what, message in cases:
        with pytest.raises(BadInput, match=message):
            explain_slide(given, what, tmp_path / "out", "s")
    with pytest.raises(BadInput, match="training mode"):
        explain_slide(model.train(), bags, tmp_path / "out", "s")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("simulated", [True, False])
def test_pictures_are_told_what_the_model_and_the_files_say(
    tmp_path: Path, model: Span, stored: Bag, monkeypatch: pytest.MonkeyPatch, simulated: bool
) -> None:
    told = []
    drawn = slide_explanation.weight_map_picture
    monkeypatch.setattr(
        slide_explanation, "weight_map_picture", lambda *given, **named: (told.append(named), drawn(*given, **named))[1]
    )
    stored = replace(stored, provenance={**stored.provenance, **({"simulated": True} if simulated else {})})
    explain_slide(model, load_bags([stored]), tmp_path, "s", stored=stored, faithful=False)
    peer = mean_pooling(("normal", "tumour"), in_features=16).eval()
    explain_slide(peer, load_bags([stored]), tmp_path, "p", stored=stored, faithful=False)
    (first, second) = told
    assert first["simulated"] is second["simulated"] is simulated
    assert "lean to the tissue's rim" in first["leaning"] and second["leaning"] == ""
