"""Simulated cells are repeatable, nested, to scale, and set out in splits that never cut a donor."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.core.manifest import load_manifest
from saccade.datasets.simulators import KINDS, SimulatedCell, simulate_cell, write_dataset

FIELD = 25.6


def simulate(kind: str, seed: int, size: int = 64) -> SimulatedCell:
    return simulate_cell(kind, np.random.default_rng(seed), size=size, mpp=FIELD / size)


def rows_of(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@settings(max_examples=40)
@given(st.sampled_from(KINDS), st.integers(0, 2**32 - 1), st.integers(32, 128))
def test_any_seed_and_size_gives_a_picture_with_nested_masks(kind: str, seed: int, size: int) -> None:
    cell = simulate(kind, seed, size)
    assert cell.image.shape == (size, size, 3)
    assert cell.image.dtype == np.uint8
    assert cell.image.std() > 5
    assert cell.nucleus.shape == cell.cell.shape == (size, size)
    assert cell.nucleus.dtype == cell.cell.dtype == np.bool_
    assert cell.nucleus.any()
    assert (cell.cell & ~cell.nucleus).any()
    assert not (cell.nucleus & ~cell.cell).any()
    assert cell.kind == cell.description.kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_cell(kind: str) -> None:
    one, two, other = simulate(kind, 3), simulate(kind, 3), simulate(kind, 4)
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.nucleus, two.nucleus)
    assert (one.image != other.image).any()


@pytest.mark.parametrize("kind", KINDS)
def test_area_in_micrometres_does_not_depend_on_resolution(kind: str) -> None:
    for seed in range(3):
        areas = [
            (cell.nucleus.sum() * mpp**2, cell.cell.sum() * mpp**2)
            for mpp in (0.1, 0.2, 0.4)
            for cell in [simulate_cell(kind, np.random.default_rng(seed), size=round(FIELD / mpp), mpp=mpp)]
        ]
        np.testing.assert_allclose(areas, np.broadcast_to(areas[0], (3, 2)), rtol=0.04)


@pytest.mark.parametrize("kind", KINDS)
def test_nucleus_is_darker_than_cytoplasm(kind: str) -> None:
    for seed in range(12):
        cell = simulate(kind, seed)
        grey = cell.image.mean(axis=-1)
        assert grey[cell.nucleus].mean() < grey[cell.cell & ~cell.nucleus].mean() < grey[~cell.cell].mean()


def test_unknown_kind() -> None:
    with pytest.raises(BadInput, match="blast"):
        simulate_cell("blast", np.random.default_rng(0))


@pytest.mark.parametrize(("size", "mpp"), [(0, 0.2), (64, 0.0), (64, -1.0)])
def test_nonsense_size(size: int, mpp: float) -> None:
    with pytest.raises(BadInput, match="positive"):
        simulate_cell("monocyte", np.random.default_rng(0), size=size, mpp=mpp)


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
        assert row["path"].startswith(f"{row['label']}/{row['label']}_000")
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
    one, two, again = (
        (write_dataset(tmp_path / name, {"test": 1}, seed, 16).parent / "monocyte/monocyte_0001.png").read_bytes()
        for name, seed in (("one", 1), ("two", 2), ("again", 1))
    )
    assert one == again != two
