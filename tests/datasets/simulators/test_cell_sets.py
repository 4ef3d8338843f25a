"""Simulated sets are set out in splits that never cut a donor, in every modality alike."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import load_manifest
from saccade.datasets.simulators import KINDS, MODALITIES, write_dataset
from saccade.imaging.image_files import load_image, load_mask

FIELD = 25.6


def rows_of(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_dataset_on_disk(tmp_path: Path) -> None:
    manifest = write_dataset(tmp_path / "set", {"train": 3, "test": 2}, seed=1, size=48)
    rows = rows_of(manifest)
    assert manifest == tmp_path / "set" / "manifest.csv"
    assert list(rows[0]) == ["path", "label", "case_id", "split", "mpp", "mask_path"]
    assert len(rows) == 5 * len(KINDS)
    for row in rows:
        image = cv2.imread(str(manifest.parent / row["path"]), cv2.IMREAD_UNCHANGED)
        mask = cv2.imread(str(manifest.parent / row["mask_path"]), cv2.IMREAD_UNCHANGED)
        assert image is not None
        assert mask is not None
        assert image.shape == (48, 48, 3)
        assert set(np.unique(mask)) == {0, 255}
        assert row["path"].startswith(f"{row['label']}/simulated-{row['label']}_000")
        assert float(row["mpp"]) == pytest.approx(FIELD / 48, rel=1e-5)
    loaded = load_manifest(manifest)
    assert sorted(loaded.classes) == sorted(KINDS)
    assert len(loaded.rows) == len(rows)


def test_splits_never_cut_a_donor(tmp_path: Path) -> None:
    rows = rows_of(write_dataset(tmp_path, per_class=20, seed=0, size=16))
    splits_of: dict[str, set[str]] = {}
    for row in rows:
        splits_of.setdefault(row["case_id"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in splits_of.values())
    assert all(case.startswith("simulated") for case in splits_of)
    counts = [sum(row["split"] == split for row in rows) / len(KINDS) for split in ("train", "val", "test")]
    assert counts == [14, 2, 4]
    assert len({row["label"] for row in rows if row["case_id"] == rows[0]["case_id"]}) == len(KINDS)


def test_a_cell_does_not_depend_on_how_many_are_written(tmp_path: Path) -> None:
    few = write_dataset(tmp_path / "few", {"train": 1, "test": 1}, seed=5, size=16)
    many = write_dataset(tmp_path / "many", {"train": 3, "val": 1, "test": 2}, seed=5, size=16)

    def first_cells(manifest: Path) -> dict[tuple[str, str], bytes]:
        cells: dict[tuple[str, str], bytes] = {}
        for row in rows_of(manifest):
            cells.setdefault((row["label"], row["split"]), (manifest.parent / row["path"]).read_bytes())
        return cells

    cells = first_cells(many)
    assert all(cells[key] == pixels for key, pixels in first_cells(few).items())
    assert len(set(cells.values())) == len(cells)


def test_seed_changes_the_set(tmp_path: Path) -> None:
    cell = "monocyte/simulated-monocyte_0001.png"
    one, two, again = (
        (write_dataset(tmp_path / name, {"test": 1}, seed, 16).parent / cell).read_bytes()
        for name, seed in (("one", 1), ("two", 2), ("again", 1))
    )
    assert one == again != two


@pytest.mark.parametrize(("modality", "channels"), [("brightfield", 3), ("opd", 1), ("events", 2)])
def test_the_same_cells_in_another_modality(tmp_path: Path, modality: str, channels: int) -> None:
    plain = write_dataset(tmp_path / "plain", {"train": 1, "test": 1}, seed=2, size=32)
    other = write_dataset(tmp_path / "other", {"train": 1, "test": 1}, seed=2, size=32, modality=modality)
    for one, two in zip(rows_of(plain), rows_of(other), strict=True):
        assert list(one) == list(two)
        assert {**one, "path": ""} == {**two, "path": ""}
        image = load_image(other.parent / two["path"])
        assert image.shape == (32, 32, channels)
        assert image.dtype == (np.uint8 if modality == "brightfield" else np.float32)
        mask = load_mask(other.parent / two["mask_path"])
        np.testing.assert_array_equal(mask, load_mask(plain.parent / one["mask_path"]))
        cell = load_mask(other.parent / two["mask_path"].replace("masks/", "cell_masks/"))
        assert (cell | ~mask).all() and cell.sum() > mask.sum()
    assert len(load_manifest(other)) == 2 * len(KINDS)


def test_fewer_cells_of_a_donor_make_more_donors(tmp_path: Path) -> None:
    for per_donor, donors in ((4, 2), (2, 3), (1, 6)):
        rows = rows_of(write_dataset(tmp_path / str(per_donor), {"test": 6}, size=16, per_donor=per_donor))
        assert len({row["case_id"] for row in rows}) == donors
        assert len(rows) == 6 * len(KINDS)
    plain = rows_of(write_dataset(tmp_path / "plain", {"test": 6}, size=16))
    assert plain == rows_of(tmp_path / "4" / "manifest.csv"), "four, where nothing else is asked for"
    with pytest.raises(BadInput, match="Give 1 or more"):
        write_dataset(tmp_path / "none", 1, per_donor=0)


def test_unknown_modality(tmp_path: Path) -> None:
    assert MODALITIES[0] == "brightfield"
    with pytest.raises(BadInput, match="brightfield, opd, events"):
        write_dataset(tmp_path, 1, modality="x-ray")
