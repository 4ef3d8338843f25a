"""``saccade check`` finds what training would refuse, and says so by its exit code."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.slide_files import pyramid, write_png, write_pyramid


def test_good_data(saccade: Callable, cells: Path) -> None:
    assert "60 images in 5 classes" in saccade("check", cells).output


def test_every_problem_gets_a_line(saccade: Callable, tmp_path: Path) -> None:
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.random.default_rng(len(name)).integers(0, 255, (6, 6, 3), dtype=np.uint8)).save(path)
    (tmp_path / "b" / "truncated.png").write_bytes((tmp_path / "b" / "1.png").read_bytes()[:60])
    (tmp_path / "empty").mkdir()
    np.save(tmp_path / "a" / "nan.npy", np.full((6, 6, 3), np.nan))
    printed = saccade("check", tmp_path, code=2).output
    for name in ("truncated.png", "empty", "nan.npy"):
        assert any(line.startswith("error: ") and name in line for line in printed.splitlines())


@pytest.mark.parametrize("name", ["nothing", "nothing.csv"])
def test_no_data(saccade: Callable, tmp_path: Path, name: str) -> None:
    printed = saccade("check", tmp_path / name, code=2).output
    assert printed.count("\n") == 1
    assert printed.startswith("error: ")


def test_slides(saccade: Callable, tmp_path: Path) -> None:
    write_pyramid(tmp_path / "a.tif", pyramid())
    (tmp_path / "b.svs").write_text("no slide")
    printed = saccade("check", tmp_path, code=2).output
    assert "b.svs: unreadable: is damaged" in printed and printed.endswith("2 slides\n")
    (tmp_path / "b.svs").unlink()
    assert saccade("check", "--slides", tmp_path).output == "1 slides\n"
    write_png(tmp_path / "c.png", pyramid())
    assert "c.png: no mpp" in saccade("check", "--slides", tmp_path, code=2).output
    assert saccade("check", tmp_path, "--source-mpp", 0.5).output == "2 slides\n"
