"""``saccade explain`` for runs of slides, from bags or from the slides themselves."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.cli.conftest import SMALL_SPAN, Command
from tests.features.embedding.small_slides import write_slides
from tests.read_only import forbid_folder


def test_bags_are_explained_without_their_slides(slides: Path, tmp_path: Path, saccade: Command) -> None:
    bag = slides / "job" / "features_made-up" / "test_1.h5"
    said = saccade("explain", slides / "run", bag, "--out", tmp_path / "out")
    assert "1 of 1 slides explained" in said.stdout
    assert "the slide of test_1 is not at hand" in said.stderr and "no SLIDE_patches.png" in said.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        "test_1_map.png",
        "test_1_signed.png",
        "test_1_sites.csv",
        "test_1.geojson",
        "test_1_faithfulness.png",
    }


def test_whole_slides_go_all_the_way(
    tmp_path: Path, saccade: Command, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embedded, learned from, and then predicted and explained as they are, a damaged one beside them."""
    folder, job = write_slides(tmp_path / "slides", 4), tmp_path / "job"
    options = ("--patch", 32, "--mpp", 2.0, "--source-mpp", 2.0)
    saccade("embed", folder, "--out", job, *options)
    table = tmp_path / "labels.csv"
    rows = [f"s{n},{'ab'[n % 2]},case-{n},{'train' if n < 2 else 'val'}" for n in range(4)]
    table.write_text("\n".join(["slide_id,label,case_id,split", *rows]) + "\n")
    run = tmp_path / "run"
    saccade("train", "--data", table, "--features", job, *SMALL_SPAN, "--out", run)
    (folder / "broken.svs").write_bytes(b"nothing")
    cv2.imwrite(str(folder / "glass.png"), np.full((320, 448, 3), 243, np.uint8))
    found = saccade("predict", run, folder, "--source-mpp", 2.0, "--out", tmp_path / "out", code=3)
    assert "broken.svs" in found.output and "4 of 6 slides predicted" in found.output
    assert f"skipped: {folder / 'glass.png'}: holds no patch of tissue" in found.stderr
    found = saccade("explain", run, folder, "--source-mpp", 2.0, "--out", tmp_path / "explained", code=3)
    assert "4 of 6 slides explained" in found.output
    assert len(list((tmp_path / "explained").glob("*_patches.png"))) == 4
    forbid_folder(monkeypatch, tmp_path / "forbidden")
    for verb in ("predict", "explain"):
        said = refused(verb, run, folder, "--source-mpp", 2.0, "--out", tmp_path / "forbidden")
        assert "cannot be written (Read-only file system). Check the folder's permissions" in said
