"""Patches come in order, whoever reads them, and an error reaches the caller."""

from pathlib import Path
from threading import Barrier, Semaphore, local

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


@pytest.mark.parametrize("batch", [5, 64])
def test_threads_change_no_batch(tmp_path: Path, batch: int) -> None:
    slide, plan = planned(tmp_path, 1.0, 64)
    alone, *others = (list(load_patches(slide, plan, 64, Pace(workers, batch), Timers())) for workers in (0, 1, 2, 4))
    for found in others:
        assert [start for start, _ in found] == [start for start, _ in alone]
        for (_, patches), (_, expected) in zip(found, alone, strict=True):
            np.testing.assert_array_equal(patches, expected)


@pytest.mark.parametrize("workers", [2, 4])
def test_threads_share_a_slide_of_one_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """Each thread waits, where it first reads, until all the others read as well."""
    slide, plan = planned(tmp_path, 1.0, 64)
    together, begun, read = Barrier(workers, timeout=20), local(), Slide.read_region

    def waiting(*where: int) -> np.ndarray:
        if not hasattr(begun, "here"):
            begun.here = True
            together.wait()  # fails when the others do not come
        return read(*where)

    monkeypatch.setattr(Slide, "read_region", waiting)
    ((_, patches),) = load_patches(slide, plan, 64, Pace(workers, 64), Timers())
    assert len(patches) == 35


def test_batches_are_bounded_by_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saccade.features.embedding.reading._BATCH_PIXELS", 3 * 64**2 + 5)
    slide, plan = planned(tmp_path, 1.0, 64)
    for workers in (0, 2):
        sizes = [len(batch) for _, batch in load_patches(slide, plan, 64, Pace(workers), Timers())]
        assert sizes == [3] * 11 + [2]
    assert Pace(batch=2).batch_of(64) == 2 and Pace().batch_of(65) == 2 and Pace().batch_of(4096) == 1


def test_what_is_held_is_bounded_as_well() -> None:
    assert Pace(0, 1).held(10, 20) == 2 * 300 + 7 * 400 + 300
    assert Pace(2, 64).held(10, 20) == 4 * 64 * 300 + 2 * (7 * 400 + 300)
    assert max(Pace().held(side, side) for side in range(8, 4097)) < 2**29 + 2**26


def test_no_more_is_read_than_that(tmp_path: Path) -> None:
    """While the first batch is at work, its followers are read, and nothing beyond them."""
    slide, plan = planned(tmp_path, 1.0, 8)
    pace, read = Pace(2, 4), Slide.read_region
    most = (pace.workers + 2) * pace.batch
    reads, all_read = Semaphore(0), 0

    class Counted(Slide):
        def read_region(self, *where: int) -> np.ndarray:
            reads.release()
            return read(self, *where)

    batches = load_patches(Counted(slide.path, slide.facts), plan, 8, pace, Timers())
    next(batches)
    while all_read <= most and reads.acquire(timeout=20 if all_read < most else 0.2):
        all_read += 1
    assert all_read == most < len(plan)
    batches.close()


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


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_in_part_of_a_batch_ends_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    slide, plan = planned(tmp_path, 1.0, 8)
    read, count = Slide.read_region, [0]

    def failing(self: Slide, x: int, y: int, *where: int) -> np.ndarray:
        count[0] += 1
        if (x, y) == tuple(plan.coords[60]):
            raise OSError("no such tile")
        return read(self, x, y, *where)

    monkeypatch.setattr(Slide, "read_region", failing)
    with pytest.raises(OSError, match="no such tile"):
        list(load_patches(slide, plan, 8, Pace(workers, 64), Timers()))
    assert count[0] <= 64 * (workers + 2) < len(plan)
