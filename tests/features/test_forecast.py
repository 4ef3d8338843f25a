"""What a slide would give is what it gives."""

from pathlib import Path

import pytest

from saccade.features.embedding.embed_slide import SlideWork
from saccade.features.embedding.reading import Pace
from saccade.features.forecast import forecast
from saccade.features.patching import PatchSettings
from saccade.imaging.slides import open_slide
from tests.features.embedding.small_slides import MeanColour, small_job, write_slides


def test_as_many_patches_as_the_job_makes(tmp_path: Path) -> None:
    settings = PatchSettings(mpp=2.0, patch=32)
    slides = write_slides(tmp_path / "slides", 1)
    facts = dict(forecast(settings)(open_slide(slides / "s0.png").with_mpp(2.0, "test")))
    job = small_job(slides, tmp_path / "job", patches=settings)
    state = SlideWork(job, job.items[0]).run(MeanColour(), Pace())
    assert facts["patches"].startswith(f"{state.patches} of 32 pixels at 2 µm, 32 base pixels, read from level 0")
    assert facts["tissue"].startswith(f"{100 * state.tissue['share']:.1f} % of the slide")
    assert list(facts) == ["tissue", "patches", "bag", "memory"]


def test_memory_is_that_of_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slide = open_slide(write_slides(tmp_path, 1) / "s0.png").with_mpp(2.0, "test")
    asked = []
    monkeypatch.setattr(Pace, "held", lambda _, side, read_size: asked.append((side, read_size)) or 2**40)
    facts = dict(forecast(PatchSettings(mpp=4.0, patch=32))(slide))
    assert asked == [(32, 64)] and facts["memory"].startswith("about 1,048,57")


def test_without_a_resolution_it_says_so(tmp_path: Path) -> None:
    slide = open_slide(write_slides(tmp_path, 1) / "s0.png")
    assert dict(forecast(PatchSettings())(slide)) == {"patches": "unknown without the µm per pixel"}
