"""``saccade info`` shows what a slide is, and fails where it cannot be read."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.slide_files import damage_tile, pyramid, write_png, write_pyramid


def test_a_slide(saccade: Callable, tmp_path: Path) -> None:
    printed = saccade("info", write_pyramid(tmp_path / "a.tif", pyramid())).output
    for words in ("read by OpenSlide", "0.25, from openslide.mpp-x", "192 x 128 pixels", "#ffffff"):
        assert words in printed


def test_mpp_by_hand(saccade: Callable, tmp_path: Path) -> None:
    path = write_png(tmp_path / "a.png", pyramid())
    assert "not stated: give the manifest's mpp column or --source-mpp" in saccade("info", path).output
    assert "0.5, from --source-mpp; about 20x" in saccade("info", path, "--source-mpp", 0.5).output


def test_facts_of_a_damaged_slide_are_shown_all_the_same(saccade: Callable, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tif", pyramid())
    damage_tile(path, 0)
    result = saccade("info", path, code=2)
    assert "768 x 512 pixels" in result.stdout
    assert result.stderr.startswith(f"error: {path}: cannot be read at x ") and result.stderr.count("\n") == 1


@pytest.mark.parametrize("content", [None, "", "no slide"])
def test_no_slide(refused: Callable, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "a.svs").write_text(content)
    assert "a.svs: " in refused("info", tmp_path / "a.svs")


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Features whose patches lie on two lattices, as tools leave them that start anew at each contour."""
    coords = np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2) * 224
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["features"] = np.ones((72, 5), np.float32)
        told = {"patch_size": 224, "patch_size_level0": 224, "overlap": 0, "name": "s"}
        file.create_dataset("coords", data=np.concatenate([coords, coords + np.array([1404, 60])])).attrs.update(told)
    return tmp_path / "s.h5"


def test_a_bag(saccade: Callable, bag: Path) -> None:
    """Its facts come first, whatever its patches fit."""
    refused = saccade("info", bag, code=2)
    assert "72 patches of 5 numbers, float32" in refused.stdout and "lattice " not in refused.stdout
    assert "36 of 72 patches" in refused.stderr and "--snap nearest" in refused.stderr
    snapped = saccade("info", bag, "--snap", "nearest").stdout
    assert "36 patches moved" in snapped and "TRIDENT" in snapped
    with h5py.File(bag, "r+") as file:
        file["features"][3, 2] = np.nan
    assert "row 3 are not finite" in saccade("info", bag, "--snap", "nearest", code=2).stderr


def test_nothing_of_a_slide_is_snapped(refused: Callable, tmp_path: Path) -> None:
    assert "--snap is for bags" in refused("info", write_png(tmp_path / "a.png", pyramid()), "--snap", "nearest")
    assert "there is no such file" in refused("info", tmp_path / "a.h5")
