"""``saccade info`` shows what a slide is, and fails where it cannot be read."""

from collections.abc import Callable
from pathlib import Path

import pytest

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
