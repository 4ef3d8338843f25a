"""``saccade frames`` cuts what it can, tells what it cannot, and its images train."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command
from tests.miniature_events import write_recording


def test_frames_of_class_folders(tmp_path: Path, saccade: Command) -> None:
    for label in ("calm", "busy"):
        write_recording(tmp_path / "in" / label / "a.npy")
    result = saccade("frames", tmp_path / "in", "--out", tmp_path / "out", "--window-ms", "4")
    assert "10 images of 2 of 2 recordings" in result.stdout
    rows = (tmp_path / "out" / "manifest.csv").read_text().splitlines()
    assert len(rows) == 11
    assert rows[:2] == ["path,label,case_id", "busy/a/a_00001.npy,busy,busy/a"]


def test_damaged_recordings_cost_a_line(tmp_path: Path, saccade: Command) -> None:
    write_recording(tmp_path / "in" / "a.npy")
    (tmp_path / "in" / "b.raw").write_bytes(b"\0" * 40)
    result = saccade("frames", tmp_path / "in", "--out", tmp_path / "out", "--events", 100, code=3)
    assert "b.raw: its header does not name an encoding" in result.stderr
    assert "3 images of 1 of 2 recordings" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--events", 10, "--window-ms", 5), "not both"),
        (("--window-ms", 0), "has no length"),
        (("--window-ms", -1), "has no length"),
        *((("--window-ms", text), "is no time") for text in ("nan", "inf", "1e30")),
        *((("--sensor", text), "such as 640x480") for text in ("64", "0x4", "64 x", "axb", "-4x4")),
    ],
)
def test_windows_that_cannot_be(
    tmp_path: Path, refused: Callable[..., str], arguments: tuple[object, ...], reason: str
) -> None:
    write_recording(tmp_path / "a.npy")
    assert reason in refused("frames", tmp_path / "a.npy", "--out", tmp_path / "out", *arguments)
    assert not (tmp_path / "out").exists()


def test_what_is_known_of_the_sensor(tmp_path: Path, saccade: Command, refused: Callable[..., str]) -> None:
    recording = write_recording(tmp_path / "a.npy")
    saccade("frames", recording, "--out", tmp_path / "out", "--sensor", "80x60")
    assert {np.load(path).shape for path in (tmp_path / "out").rglob("*.npy")} == {(60, 80, 2)}
    assert "outside a sensor of 2 x 60" in refused("frames", recording, "--out", tmp_path / "small", "--sensor", "2x60")
    few = refused("frames", recording, "--out", tmp_path / "few", "--events", 100000)
    assert f"ask for at most {len(np.load(recording))}" in few.lower()
