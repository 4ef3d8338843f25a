"""A class folder of recordings, one per cell, trains, predicts and explains with no further word."""

from pathlib import Path

import h5py
import numpy as np

from tests.cli.conftest import Command
from tests.miniature_events import write_recording


def test_recordings_are_images_like_any_other(tmp_path: Path, saccade: Command) -> None:
    for kind in ("left", "right"):
        for number in range(8):
            path = write_recording(tmp_path / "cells" / kind / f"{number}.npy", seed=number)
            events = np.load(path)
            events["x"] = events["x"] // 2 + (8 if kind == "right" else 0)
            events["x"][0] = 15
            if number % 2:
                np.save(path, events)
            else:
                path.unlink()
                with h5py.File(path.with_suffix(".h5"), "w") as file:
                    file["events"] = events
    cells, run = tmp_path / "cells", tmp_path / "run"
    assert "16 images in 2 classes" in saccade("check", cells).stdout
    small = ("--set", "training.epochs=1", "--set", "data.size=16")
    saccade("train", "--data", cells, "--model", "sparse-attn-net", "--out", run, *small)
    saccade("predict", run, cells, "--out", tmp_path / "predictions.csv")
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 17
    saccade("explain", run, cells / "left" / "0.h5", "--out", tmp_path / "explained")
    assert (tmp_path / "explained" / "0_overlay.png").is_file()
