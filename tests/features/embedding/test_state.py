"""The state of a slide, there and back."""

from pathlib import Path

import pytest

from saccade.features.embedding.state import SlideState, load_state


def test_there_and_back(tmp_path: Path) -> None:
    state = SlideState("a.svs", "f", status="done", seconds={"read": 1.5}, patches=3, outputs={"bag": "x.h5"})
    state.write(tmp_path / "state" / "a.json")
    assert load_state(tmp_path / "state" / "a.json") == state
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("status", "finished"), [("done", True), ("empty", True), ("running", False), ("failed", False)]
)
def test_which_have_their_bag(status: str, finished: bool) -> None:
    assert SlideState("a", "f", status=status).finished is finished  # type: ignore[arg-type]


def test_what_another_version_wrote_is_understood() -> None:
    text = SlideState("a", "f").to_json().replace('"slide"', '"new": 1, "slide"')
    assert SlideState.from_json(text) == SlideState("a", "f")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"slide": "a"}'])
def test_what_is_no_state_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert load_state(tmp_path / "a.json") is None and load_state(tmp_path / "b.json") is None
