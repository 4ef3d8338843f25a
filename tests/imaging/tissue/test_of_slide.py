"""A slide's tissue, looked for on the thumbnail that was asked for."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from saccade.imaging.slides import MissingMpp, Slide, open_slide
from saccade.imaging.tissue.of_slide import tissue_of
from saccade.imaging.tissue.settings import TissueSettings


def write_slide(folder: Path, height: int, width: int) -> Slide:
    """Left half tissue, right half glass."""
    values = np.full((height, width, 3), 243, np.uint8)
    values[:, : width // 2] = (170, 90, 150)
    values[:, : width // 2] += np.random.default_rng(0).integers(0, 60, (height, width // 2, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / "a.png"), values[..., ::-1])
    return open_slide(folder / "a.png")


@pytest.mark.parametrize(("mpp", "side", "seen"), [(0.5, 2000, 1024), (4.0, 600, 600), (1.0, 600, 600)])
def test_tissue_is_found_at_its_own_scale_and_shown_finer(tmp_path: Path, mpp: float, side: int, seen: int) -> None:
    tissue, thumbnail = tissue_of(write_slide(tmp_path, side // 2, side).with_mpp(mpp, "test"), TissueSettings())
    assert max(thumbnail.shape) == seen
    assert tissue.downsample * mpp == pytest.approx(8.0)
    assert tissue.mask.shape[1] == int(np.ceil(side * mpp / 8))
    assert tissue.fraction == pytest.approx(0.5, abs=0.06)


def test_own_masks_count_more(tmp_path: Path) -> None:
    slide = write_slide(tmp_path, 400, 800).with_mpp(1.0, "test")
    mask = np.zeros((40, 80), np.uint8)
    mask[:, 60:] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    tissue, _ = tissue_of(slide, TissueSettings(), tmp_path / "mask.png")
    assert tissue.found == "given" and tissue.mask[:, 76:].all() and not tissue.mask[:, :74].any()


def test_without_a_resolution_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(MissingMpp):
        tissue_of(write_slide(tmp_path, 40, 80), TissueSettings())
