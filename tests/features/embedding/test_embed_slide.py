"""One slide, against means taken by hand; and whatever goes wrong on the way."""

from dataclasses import replace
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from saccade.datasets.simulators.slides import simulate_slide
from saccade.features.embedding.embed_slide import SlideWork
from saccade.features.embedding.reading import Pace
from saccade.features.embedding.state import load_state
from saccade.features.patching import PatchSettings
from saccade.features.qupath import qupath_offset
from saccade.features.store import open_bag
from saccade.imaging.slides import FoundSlide
from tests.features.embedding.small_slides import SIDE, MeanColour, picture, small_job, write_slides


def test_the_bag_holds_each_patchs_own_features(tmp_path: Path) -> None:
    """32 pixels at the slide's own resolution: the features are means of the picture's squares."""
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    state = SlideWork(job, job.items[0]).run(MeanColour(), Pace(workers=2, batch=7))
    assert (state.status, state.stage, state.attempts, state.error) == ("done", "done", 1, "")
    bag, values = open_bag(job.bag(job.items[0])), picture(0)
    assert state.patches == len(bag) == 70  # ten rows of seven: the left half of the slide
    for (x, y), features in zip(bag.coords.tolist(), bag.load(), strict=True):
        assert features == pytest.approx(values[y : y + SIDE, x : x + SIDE].mean((0, 1)), abs=1e-4)


def test_patches_of_a_coarser_resolution_are_averaged(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job", patches=PatchSettings(mpp=4.0, patch=16))
    state = SlideWork(job, job.items[0]).run(MeanColour(), Pace())
    bag, values = open_bag(job.bag(job.items[0])), picture(0)
    assert state.patches == 70 and bag.patch_size_level0 == SIDE
    for (x, y), features in zip(bag.coords.tolist(), bag.load(), strict=True):
        assert features == pytest.approx(values[y : y + SIDE, x : x + SIDE].mean((0, 1)), abs=0.5)  # rounded to 8 bits


def test_the_state_on_disk_tells_it_all(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    state = SlideWork(job, job.items[0]).run(MeanColour(), Pace())
    assert load_state(job.state(job.items[0])) == state
    assert state.mpp == {"value": 2.0, "source": "--source-mpp"}
    assert set(state.seconds) == {"open", "tissue", "read", "decode", "encode", "write", "wall"}
    assert all((job.folder / path).is_file() for path in state.outputs.values())
    assert set(state.outputs) == {"bag", "patches", "preview", "polygons"}
    with h5py.File(job.patches(job.items[0])) as file:
        np.testing.assert_array_equal(file["coords"][:], open_bag(job.bag(job.items[0])).coords)


def test_a_slide_smaller_than_a_patch_is_an_empty_bag(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job", patches=PatchSettings(mpp=2.0, patch=512))
    state = SlideWork(job, job.items[0]).run(MeanColour(), Pace())
    assert (state.status, state.patches) == ("empty", 0)
    assert open_bag(job.bag(job.items[0])).features.shape == (0, 3)


def test_the_bag_notes_where_the_scanned_part_begins(tmp_path: Path) -> None:
    """QuPath counts from there, also when the slide is no longer at hand."""
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    work = SlideWork(job, job.items[0])
    prepared = work.prepare(Pace(workers=0))
    assert prepared is not None
    whole, facts = prepared.slide, prepared.slide.facts
    cropped = replace(prepared, slide=replace(whole, facts=replace(facts, bounds=(64, 32, 200, 100))))
    assert work.embed(cropped, MeanColour(), Pace(workers=0), lambda *_: None).status == "done"
    assert qupath_offset(stored=open_bag(job.bag(job.items[0]))) == (64, 32)
    SlideWork(job, job.items[0]).run(MeanColour(), Pace(workers=0))
    assert "bounds" not in open_bag(job.bag(job.items[0])).provenance["extra"]


def test_without_mpp_one_line_names_both_remedies(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job", source_mpp=None)
    state = SlideWork(job, job.items[0]).run(MeanColour(), Pace())
    assert state.status == "no mpp" and "--source-mpp" in state.error and "mpp column" in state.error
    assert "\n" not in state.error and not job.bag(job.items[0]).exists()


def test_the_manifests_mpp_counts_more(tmp_path: Path) -> None:
    slide = write_slides(tmp_path / "slides", 1) / "s0.png"
    job = small_job(tmp_path / "slides", tmp_path / "job")
    job = type(job)(job.folder, job.settings, (FoundSlide(slide, "s0.png", mpp=1.0),))
    state = SlideWork(job, job.items[0]).run(MeanColour(), Pace())
    assert state.mpp == {"value": 1.0, "source": "manifest"}
    assert open_bag(job.bag(job.items[0])).patch_size_level0 == 2 * SIDE


def test_own_tissue_is_taken_as_it_is(tmp_path: Path) -> None:
    slide, mask = write_slides(tmp_path / "slides", 1) / "s0.png", np.zeros((320, 448), np.uint8)
    mask[:64, -64:] = 255  # glass, which no finder would take
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    job = small_job(tmp_path / "slides", tmp_path / "job")
    job = type(job)(job.folder, job.settings, (FoundSlide(slide, "s0.png", tissue_path=tmp_path / "mask.png"),))
    state = SlideWork(job, job.items[0]).run(MeanColour(), Pace())
    assert state.tissue["found"] == "given"
    found = open_bag(job.bag(job.items[0])).coords.tolist()
    assert found == [[384, 0], [416, 0], [384, 32], [416, 32]]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_encoder_that_fails_costs_one_line_and_leaves_no_bag(tmp_path: Path, workers: int) -> None:
    def fail(patches: np.ndarray) -> None:
        raise RuntimeError("out of\nmemory")

    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    state = SlideWork(job, job.items[0]).run(MeanColour(fail), Pace(workers, batch=8))
    assert state.status == "failed" and state.error.endswith("s0.png: RuntimeError: out of memory")
    assert not list(job.bag(job.items[0]).parent.iterdir())


def test_features_that_are_no_numbers_leave_no_bag(tmp_path: Path) -> None:
    class Broken(MeanColour):
        def __call__(self, patches: np.ndarray) -> np.ndarray:
            return super().__call__(patches) * np.nan

    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    state = SlideWork(job, job.items[0]).run(Broken(), Pace())
    assert state.status == "failed" and "not finite" in state.error
    assert not list(job.bag(job.items[0]).parent.iterdir())


def test_attempts_count_up_until_something_changes(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job", source_mpp=None)
    counts = [SlideWork(job, job.items[0]).run(MeanColour(), Pace()).attempts for _ in range(3)]
    assert counts == [1, 2, 3]
    other = small_job(tmp_path / "slides", tmp_path / "job", source_mpp=2.0)
    assert SlideWork(other, other.items[0]).run(MeanColour(), Pace()).attempts == 1


def test_the_bag_keeps_that_its_slide_is_simulated(tmp_path: Path) -> None:
    (tmp_path / "slides").mkdir()
    simulate_slide(tmp_path / "slides" / "made.tif", 400, 400, 2.0)
    write_slides(tmp_path / "slides", 1)
    job = small_job(tmp_path / "slides", tmp_path / "job")
    told = {}
    for item in job.items:
        assert SlideWork(job, item).run(MeanColour(), Pace()).error == ""
        told[item.slide.path.stem] = open_bag(job.bag(item)).simulated
    assert told == {"made": True, "s0": False}
