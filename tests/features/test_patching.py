"""Plans of patches against counting pixel by pixel; and what cannot be planned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.features import patching
from saccade.features.patching import PatchSettings, plan_patches
from saccade.imaging.tissue.tissue import Tissue


def everywhere(width: int, height: int, downsample: float = 32.0) -> Tissue:
    return Tissue(np.ones((int(-(-height // downsample)), int(-(-width // downsample))), bool), downsample, 0.25)


@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 30),
    st.sampled_from([0, 0.5]),
    st.floats(0, 1),
    st.integers(0, 2**32 - 1),
)
def test_against_counting(width: int, height: int, patch: int, part: float, least: float, seed: int) -> None:
    """Mask pixels are base pixels here, so that every share is a plain mean."""
    overlap = int(patch * part) if patch % 2 == 0 else 0
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    settings = PatchSettings(mpp=0.5, patch=patch, overlap=overlap, min_tissue=least)
    plan = plan_patches(width, height, 0.5, (1.0,), Tissue(mask, 1.0, 0.5), settings)
    expected = [
        [x, y]
        for y in range(0, height - patch + 1, patch - overlap)
        for x in range(0, width - patch + 1, patch - overlap)
        if (share := np.float32(mask[y : y + patch, x : x + patch].mean())) >= least and share > 0
    ]
    assert plan.coords.tolist() == expected
    assert (plan.lattice.cells * plan.stride_level0 == plan.coords).all()
    assert (plan.lattice.coords == plan.coords).all()
    assert plan.boxes.tolist() == [[x, y, x + patch, y + patch] for x, y in expected]


@pytest.mark.parametrize(
    ("base_mpp", "levels", "patch", "level", "size"),
    [
        (0.25, (1, 4, 16), 448, 0, 448),  # 40x read at 20x, the next level too coarse
        (0.25, (1, 2, 4), 448, 1, 224),
        (0.25, (1, 2.0005, 4.002), 448, 1, 224),  # a level a pixel off
        (0.25, (1, 2.03), 448, 0, 448),
        (0.5, (1, 4), 224, 0, 224),
        (0.2522, (1, 2), 444, 1, 222),  # a hundredth too coarse is fine enough
        (0.2522, (1, 2.01), 444, 0, 444),
        (0.248, (1, 2), 452, 1, 226),
        (0.51, (1,), 220, 0, 220),  # within 5 % of the slide's own
        (0.2522, (1, 1.96, 3.9), 444, 1, 227),
    ],
)
def test_scales(base_mpp: float, levels: tuple[float, ...], patch: int, level: int, size: int) -> None:
    plan = plan_patches(9000, 5000, base_mpp, levels, everywhere(9000, 5000), PatchSettings())
    assert (plan.patch_size_level0, plan.stride_level0) == (patch, patch)
    assert (plan.read_level, plan.read_size) == (level, size)
    assert len(plan) == (9000 // patch) * (5000 // patch)


def test_overlap_in_base_pixels() -> None:
    plan = plan_patches(9000, 5000, 0.2522, (1,), everywhere(9000, 5000), PatchSettings(overlap=112))
    assert (plan.patch_size_level0, plan.stride_level0, plan.lattice.stride) == (444, 222, 222)


@pytest.mark.parametrize(("width", "height"), [(447, 9000), (9000, 447), (1, 1)])
def test_a_slide_smaller_than_a_patch(width: int, height: int) -> None:
    plan = plan_patches(width, height, 0.25, (1,), everywhere(width, height), PatchSettings())
    assert len(plan) == 0 and plan.coords.shape == (0, 2) and plan.boxes.shape == (0, 4) and len(plan.lattice) == 0


@pytest.mark.parametrize("least", [0.0, 0.25])
def test_no_tissue_no_patches(least: float) -> None:
    tissue = Tissue(np.zeros((100, 100), bool), 32.0, 0.25, "nothing")
    assert len(plan_patches(3200, 3200, 0.25, (1,), tissue, PatchSettings(min_tissue=least))) == 0


def test_finer_than_the_slide() -> None:
    with pytest.raises(BadInput, match=r"0\.25 micrometres per pixel are finer than the slide's own 0\.5.*--mpp"):
        plan_patches(9000, 9000, 0.5, (1,), everywhere(9000, 9000), PatchSettings(mpp=0.25))


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tissue = Tissue(np.random.default_rng(0).random((90, 120)) < 0.4, 32.0, 0.25)
    whole = plan_patches(3840, 2880, 0.25, (1,), tissue, PatchSettings(patch=32))
    monkeypatch.setattr(patching, "_AT_ONCE", 7)
    assert (plan_patches(3840, 2880, 0.25, (1,), tissue, PatchSettings(patch=32)).coords == whole.coords).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mpp": 0.0}, "--mpp"),
        ({"mpp": float("nan")}, "--mpp"),
        ({"patch": 0}, "--patch"),
        ({"overlap": 100}, "does not divide a patch of 224.*such as 0 or 112"),
        ({"overlap": 224}, "does not divide"),
        ({"overlap": -1}, "does not divide"),
        ({"min_tissue": 1.1}, "--min-tissue"),
    ],
)
def test_settings_refused(change: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        PatchSettings(**change)


def test_settings_by_name() -> None:
    assert PatchSettings(**PatchSettings(overlap=56).as_dict()) == PatchSettings(overlap=56)
