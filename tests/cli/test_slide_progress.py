"""Lines where there is no terminal, a bar where there is one."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from saccade.cli.slide_progress import SlideProgress
from saccade.features.embedding.job import Item
from saccade.features.embedding.state import SlideState
from saccade.imaging.slides import FoundSlide

STATES = (
    SlideState("a.svs", "f", status="done", patches=7, seconds={"wall": 2.0}),
    SlideState("b.svs", "f", status="unreadable", error="b.svs: is damaged. Copy it again"),
)


def test_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    shown = SlideProgress(2)
    for state in STATES:
        shown.end(state)
    said = capsys.readouterr()
    assert said.out == "1/2 a.svs: done, 7 patches in 2.0 s\n"
    assert said.err == "unreadable: b.svs: is damaged. Copy it again\n"


def test_a_bar_of_slides_and_one_of_patches(tmp_path) -> None:
    with Progress(console=Console(file=io.StringIO())) as bar:
        shown = SlideProgress(2, bar)
        shown.begin(Item(FoundSlide(tmp_path / "a.svs", "a.svs"), "a", "f"))(3, 7)
        slides, patches = bar.tasks
        assert (patches.description, patches.completed, patches.total) == ("a.svs", 3, 7)
        shown.end(STATES[0])
        assert (slides.completed, slides.total) == (1, 2)
