"""``saccade info`` shows what a slide is, and fails where it cannot be read."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

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


@pytest.fixture
def microns(tmp_path: Path) -> Path:
    """Features of STAMP's, whose places only the slide's resolution tells."""
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["feats"], file["coords"] = np.ones((2, 5), np.float32), np.array([[0, 0], [256.0, 0]])
        file.attrs.update({"unit": "um", "tile_size_um": 256.0, "tile_size_px": 224})
    return tmp_path / "m.h5"


def test_a_bag_in_micrometres(saccade: Callable, microns: Path) -> None:
    without = saccade("info", microns, code=2)
    assert "2 patches of 5 numbers" in without.stdout
    assert "info take --source-mpp" in without.stderr and without.stderr.count("\n") == 1
    assert "2 x 1 places of 512 base pixels" in saccade("info", microns, "--source-mpp", 0.5).stdout


@pytest.mark.parametrize("mpp", ["0", "nan", "-1", "inf", "1e9"])
def test_resolutions_of_no_microscope(refused: Callable, microns: Path, tmp_path: Path, mpp: str) -> None:
    for path in (microns, write_png(tmp_path / "a.png", pyramid())):
        assert "'--source-mpp'" in refused("info", path, "--source-mpp", mpp)


def test_a_tensor_without_coordinates(saccade: Callable, tmp_path: Path) -> None:
    (tmp_path / "pt_files").mkdir()
    torch.save(torch.ones(3, 2), tmp_path / "pt_files" / "s.pt")
    refused = saccade("info", tmp_path / "pt_files" / "s.pt", code=2)
    assert "3 patches of 2 numbers" in refused.stdout and "features without coordinates" in refused.stderr


def test_a_bag_that_says_nothing_of_its_patches(saccade: Callable, tmp_path: Path) -> None:
    """As CLAM leaves it."""
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["features"], file["coords"] = np.ones((3, 5), np.float32), np.array([[0, 0], [256, 0], [0, 256]])
    printed = saccade("info", tmp_path / "s.h5").stdout
    assert "2 x 2 places of 256 base pixels" in printed
