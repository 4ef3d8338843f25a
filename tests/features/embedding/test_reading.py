"""Patches come in order, whoever reads them, and an error reaches the caller."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from saccade.features.embedding.reading import Pace, load_patches
from saccade.features.embedding.timers import Timers
from saccade.features.patching import PatchPlan, PatchSettings, plan_patches
from saccade.imaging.slides import Slide, open_slide
from saccade.imaging.tissue.tissue import Tissue
from tests.features.embedding.small_slides import picture, write_slides


def planned(tmp_path: Path, mpp: float, side: int) -> tuple[Slide, PatchPlan]:
    slide = open_slide(write_slides(tmp_path, 1) / "s0.png").with_mpp(1.0, "test")
    tissue = Tissue(np.ones((10, 14), bool), downsample=32.0, mpp=1.0)
    return slide, plan_patches(slide.width, slide.height, 1.0, [1.0], tissue, PatchSettings(mpp=mpp, patch=side))


@pytest.mark.parametrize("pace", [Pace(0, 3), Pace(1, 64), Pace(3, 1), Pace(4, 50)])
def test_all_patches_once_and_in_order(tmp_path: Path, pace: Pace) -> None:
    slide, plan = planned(tmp_path, 1.0, 64)
    found = list(load_patches(slide, plan, 64, pace, Timers()))
    assert [start for start, _ in found] == list(range(0, len(plan), pace.batch))
    patches, values = np.concatenate([batch for _, batch in found]), picture(0)
    assert len(patches) == 35
    for patch, (x, y) in zip(patches, plan.coords.tolist(), strict=True):
        np.testing.assert_array_equal(patch, values[y : y + 64, x : x + 64])


def test_patches_are_resized_to_what_the_encoder_sees(tmp_path: Path) -> None:
    slide, plan = planned(tmp_path, 2.0, 32)
    ((_, patches),) = load_patches(slide, plan, 32, Pace(), Timers())
    expected = cv2.resize(picture(0)[:64, :64], (32, 32), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(patches[0], expected)


def test_reading_stops_with_its_caller(tmp_path: Path) -> None:
    slide, plan = planned(tmp_path, 1.0, 8)
    timers = Timers()
    batches = load_patches(slide, plan, 8, Pace(2, 4), timers)
    next(batches)
    batches.close()
    read = timers.seconds()["read"]
    assert len(plan) == 56 * 40 and timers.seconds()["read"] == read  # no thread is still at work


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_a_thread_reaches_the_caller(tmp_path: Path, workers: int) -> None:
    slide, plan = planned(tmp_path, 1.0, 64)
    (tmp_path / "s0.png").unlink()
    slide.close()
    with pytest.raises(Exception, match="s0.png"):
        list(load_patches(slide, plan, 64, Pace(workers, 8), Timers()))
