"""Pasting: glass leaves no trace, a cell absorbs what it absorbed, and what was pasted stays."""

from dataclasses import replace

import numpy as np
import pytest

from saccade.datasets.composers.cutting import Cutout
from saccade.datasets.composers.pasting import Box, Canvas, Patch, Pose, find_place, paste, pose_cutout
from saccade.datasets.composers.smears import Smear, prepare_smear
from tests.datasets.composers.test_smears import draw

SQUARE = np.array([[5, 5], [25, 5], [25, 25], [5, 25]], np.float32)
STRAIGHT = Pose(1.0, 0.0, False, 0.0)


def plain(size: int = 200, value: int = 200) -> Smear:
    return prepare_smear(np.full((size, size, 3), value, np.uint8), np.random.default_rng(0))


def patch_of(transmittance: float, pose: Pose = STRAIGHT) -> Patch:
    return pose_cutout(Cutout(np.full((31, 31, 3), transmittance, np.float32), SQUARE), pose)


def put(canvas: Canvas, patch: Patch, seed: int = 0) -> Box:
    rng = np.random.default_rng(seed)
    corner = find_place(canvas, patch.mask.shape, rng)
    assert corner is not None
    return paste(canvas, patch, corner, rng)


def test_glass_on_glass_changes_nothing() -> None:
    """Neither square nor halo: a cutout of glass alone is invisible wherever it lies."""
    picture = np.clip(np.random.default_rng(0).normal(200, 3, (200, 200, 3)), 0, 255).astype(np.uint8)
    smear = replace(plain(), image=picture.copy())
    put(Canvas(smear), patch_of(1.0))
    assert (smear.image == picture).all()


@pytest.mark.parametrize("value", [60, 130, 250])
def test_light_is_absorbed_in_proportion(value: int) -> None:
    canvas = Canvas(plain(value=value))
    x0, y0, x1, y1 = put(canvas, patch_of(0.5))
    assert canvas.smear.image[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5].mean() == pytest.approx(value / 2, abs=1)


def test_the_box_holds_what_changed() -> None:
    canvas = Canvas(plain())
    box = put(canvas, patch_of(0.5, Pose(2.0, 0.6, True, 1.0)))
    rows, columns = np.nonzero((canvas.smear.image < 150).any(2))  # half of the change or more
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == pytest.approx(box, abs=1)
    outside = np.ones((200, 200), bool)
    outside[box[1] - 5 : box[3] + 5, box[0] - 5 : box[2] + 5] = False
    assert (canvas.smear.image[outside] == 200).all()


def test_poses() -> None:
    assert patch_of(1.0, Pose(3.0, 0.0, False, 0.0)).mask.sum() == pytest.approx(60 * 60, rel=0.06)
    small = patch_of(1.0, Pose(0.5, 1.0, True, 0.0))
    assert small.mask.sum() == pytest.approx(100, rel=0.35) and small.mask.max() <= 1
    ramp = np.tile(np.linspace(0.2, 0.8, 31, dtype=np.float32)[:, None], (31, 1, 3)).reshape(31, 31, 3)
    columns = np.ascontiguousarray(ramp.transpose(1, 0, 2))
    straight, mirrored = (pose_cutout(Cutout(columns, SQUARE), Pose(1.0, 0.0, m, 0.0)) for m in (False, True))
    np.testing.assert_allclose(straight.transmittance[15, 5:-5], mirrored.transmittance[15, 5:-5][::-1], atol=0.05)


def test_red_cells_under_the_rim_go_wholly_and_no_others() -> None:
    smear = prepare_smear(draw(), np.random.default_rng(0))
    before, cells = smear.image.copy(), smear.objects.copy()
    canvas = Canvas(smear)
    x0, y0, x1, y1 = put(canvas, patch_of(1.0, Pose(2.0, 0.3, False, 0.0)))
    changed = (np.abs(smear.image.astype(int) - before) > 12).any(2)
    assert changed.any()
    assert np.abs(smear.image[changed] - smear.glass).mean() < 6  # glass is all that came
    gone = cells & ~smear.objects
    far = np.ones_like(gone)
    far[max(y0 - 34, 0) : y1 + 34, max(x0 - 34, 0) : x1 + 34] = False
    assert not (gone & far).any()


def test_what_was_pasted_is_not_wiped_away() -> None:
    """With many patches close together, each still looks as it did when it was pasted."""
    smear = prepare_smear(draw(), np.random.default_rng(0))
    canvas, rng, seen = Canvas(smear), np.random.default_rng(1), {}
    patch = patch_of(0.4, Pose(1.6, 0.5, False, 0.0))
    while (corner := find_place(canvas, patch.mask.shape, rng)) is not None:
        box = paste(canvas, patch, corner, rng)
        seen[box] = smear.image[box[1] : box[3], box[0] : box[2]].copy()
    assert len(seen) >= 6
    for (x0, y0, x1, y1), pixels in seen.items():
        assert (smear.image[y0:y1, x0:x1] == pixels)[8:-8, 8:-8].all()
    boxes = np.array(list(seen))
    for one in boxes:
        for other in boxes:
            apart = (one[2:] <= other[:2]).any() or (other[2:] <= one[:2]).any()
            assert apart or (one == other).all()


def test_no_room() -> None:
    assert find_place(Canvas(plain(40)), (31, 31), np.random.default_rng(0)) is None
