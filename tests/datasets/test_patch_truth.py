"""Labels of patches: they belong to the patches of the loaded bag, whoever wrote them, wherever QuPath counts from."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.core.manifest import Row
from saccade.datasets.patch_truth import PatchRules, PatchTruth
from saccade.features.loading import load_bags
from saccade.features.store import BagAttributes, BagWriter, open_bag
from tests.miniature_annotated import CLASSES, PATCH, SIDE, outline, write_outlines, write_patch_rows

RULES = PatchRules(CLASSES, ignored=("tissue",))


def shuffled_bag(path: Path, bounds: tuple[int, int] = (0, 0)) -> np.ndarray:
    """A bag whose rows are in no order; each feature is the patch's place."""
    places = PATCH * np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).reshape(-1, 2)
    places = np.random.default_rng(1).permutation(places)
    told = BagAttributes("a.svs", 224, PATCH, 0.5, 0.25, encoder="places", extra={"bounds": [*bounds, 5000, 5000]})
    with BagWriter(path, rows=len(places), dim=2, coords=places.astype(np.int64), attributes=told) as writer:
        writer.put(0, places.astype(np.float32))
    return places


def row(annotation: Path | None) -> Row:
    return Row(Path("a.svs"), "", "a", annotation_path=annotation)


@pytest.mark.parametrize("kind", ["outlines", "table"])
def test_labels_follow_the_patches_of_the_loaded_bag(kind: str, tmp_path: Path) -> None:
    shuffled_bag(tmp_path / "a.h5")
    path = tmp_path / ("a.geojson" if kind == "outlines" else "a.csv")
    if kind == "outlines":
        write_outlines(path, outline(0, 0, SIDE * PATCH, 2 * PATCH), outline(0, 0, 9000, 9000, "tissue"))
    else:
        write_patch_rows(path, 2)
    labels = RULES.labels(row(path), open_bag(tmp_path / "a.h5"))
    loaded = load_bags([open_bag(tmp_path / "a.h5")])
    assert labels.tolist() == (loaded.features[:, 1] < 2 * PATCH).long().tolist()
    assert sum(labels) == 2 * SIDE


def test_qupath_counts_from_the_scanned_part(tmp_path: Path) -> None:
    shuffled_bag(tmp_path / "a.h5", bounds=(2 * PATCH, PATCH))
    write_outlines(tmp_path / "a.geojson", outline(0, 0, PATCH, PATCH))  # one patch, where the scanned part begins
    labels = RULES.labels(row(tmp_path / "a.geojson"), open_bag(tmp_path / "a.h5"))
    loaded = load_bags([open_bag(tmp_path / "a.h5")])
    assert loaded.features[labels == 1].tolist() == [[2 * PATCH, PATCH]]


def test_a_slide_that_nobody_annotated_counts_nowhere(tmp_path: Path) -> None:
    shuffled_bag(tmp_path / "a.h5")
    assert set(RULES.labels(row(None), open_bag(tmp_path / "a.h5")).tolist()) == {-1}


def test_an_overlap_decides(tmp_path: Path) -> None:
    shuffled_bag(tmp_path / "a.h5")
    write_outlines(tmp_path / "a.geojson", outline(0, 0, SIDE * PATCH, 0.5 * PATCH))
    for overlap, expected in ((0.2, SIDE), (0.5, SIDE), (0.51, 0)):
        rules = PatchRules(CLASSES, overlap=overlap)
        assert sum(rules.labels(row(tmp_path / "a.geojson"), open_bag(tmp_path / "a.h5"))) == expected


def test_annotations_are_checked_without_features(tmp_path: Path) -> None:
    write_outlines(tmp_path / "good.geojson", outline(0, 0, 9, 9))
    write_outlines(tmp_path / "stranger.geojson", outline(0, 0, 9, 9, "stroma"))
    (tmp_path / "broken.geojson").write_text("{")
    (tmp_path / "wrong.csv").write_text("x,y,label\n0,0,stroma\n")
    RULES.check([row(tmp_path / "good.geojson"), row(None)])
    for name, message in (
        ("stranger.geojson", "called 'stroma', which is no class"),
        ("broken.geojson", "is no JSON"),
        ("wrong.csv", "label 'stroma' is no class"),
        ("absent.geojson", "there is no such file"),
    ):
        with pytest.raises(BadInput, match=message) as caught:
            RULES.check([row(tmp_path / name)])
        assert name in str(caught.value) and "\n" not in str(caught.value)


def test_truth_is_indexed_and_joined_as_labels_are() -> None:
    slides = tuple(np.array(labels, np.int16) for labels in ([0, 1, 1], [], [-1, -1], [2, -1]))
    truth = PatchTruth(slides)
    assert len(truth) == 4 and truth.told == 2
    assert truth.counts(4) == [1, 2, 1, 0]
    chosen = truth[torch.tensor([3, 0])]
    assert chosen.joined.tolist() == [2, -1, 0, 1, 1] and chosen.joined.dtype == torch.int64
    assert truth[torch.tensor([1])].joined.tolist() == []
    assert truth[torch.tensor([], dtype=torch.long)].counts(2) == [0, 0]
    assert pickle.loads(pickle.dumps(truth)).joined.equal(truth.joined)
