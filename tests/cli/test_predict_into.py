"""Whatever is asked of slides, a prediction goes alike: tables whole or not at all, maps of these slides alone."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from saccade.cli.predict_into import FewLines
from saccade.features.store import BagAttributes, BagWriter
from tests.cli.conftest import Command
from tests.miniature_slides import DIM, mark_simulated, write_bag


@pytest.fixture(params=["slides", "times", "annotated"])
def task(request: pytest.FixtureRequest) -> Path:
    """A folder with bags and a run trained on them, for classes, times and patches."""
    return request.getfixturevalue(request.param)


def test_nothing_but_damaged_bags_leaves_nothing(task: Path, tmp_path: Path, saccade: Command) -> None:
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"nothing")
    said = saccade("predict", task / "run", damaged, "--out", tmp_path / "out", code=2).output
    assert "none of the 1 slides could be predicted" in said
    assert not (tmp_path / "out" / "predictions.csv").exists()
    assert "is a file" in saccade("predict", task / "run", damaged, "--out", damaged, code=2).output


def test_a_slide_without_tissue_has_no_answer(task: Path, tmp_path: Path, saccade: Command) -> None:
    empty = tmp_path / "empty.h5"
    write_bag(empty, "empty.svs", "normal", 0, side=0)
    good = task / "job" / "features_made-up" / "test_0.h5"
    found = saccade("predict", task / "run", good, empty, "--out", tmp_path / "out", code=3)
    assert f"skipped: {empty}: holds no patch of tissue, so nothing can be said of it" in found.stderr
    assert "1 of 2 slides" in found.stdout
    row = list(csv.DictReader((tmp_path / "out" / "predictions.csv").open()))[1]
    assert "no patch of tissue" in row["error"] and not any(row[name] for name in row if name not in ("path", "error"))
    assert [path.name for path in (tmp_path / "out" / "geojson").iterdir()] == ["test_0.geojson"]


def test_a_doubtful_slide_has_its_note(task: Path, tmp_path: Path, saccade: Command) -> None:
    """Its patches are of another size than those of the training."""
    told = BagAttributes("a.svs", patch_size=224, patch_size_level0=896, mpp=1.0, source_mpp=0.25, encoder="made-up")
    places = np.array([[0, 0], [896, 0], [0, 896]], np.int64)
    with BagWriter(tmp_path / "a.h5", rows=3, dim=DIM, coords=places, attributes=told) as writer:
        writer.put(0, np.ones((3, DIM), np.float32))
    found = saccade("predict", task / "run", tmp_path / "a.h5", "--out", tmp_path / "out")
    assert f"note: {tmp_path / 'a.h5'}: its patches are 224 µm wide, those of the training were 112 µm" in found.stderr
    assert "1 of 1 slides" in found.stdout


def test_maps_of_an_earlier_prediction_go_and_nothing_else(task: Path, tmp_path: Path, saccade: Command) -> None:
    bags, out = task / "job" / "features_made-up", tmp_path / "out"
    saccade("predict", task / "run", bags / "test_0.h5", bags / "test_1.h5", bags / "test_2.h5", "--out", out)
    (out / "geojson" / "own.geojson").write_text("drawn by hand")
    (out / "geojson" / "test_1.geojson").write_text("corrected by hand")
    said = saccade("predict", task / "run", bags / "test_2.h5", bags / "test_3.h5", "--out", out)
    several = (out / "patches").exists()  # a segmenter has tables of patches too, of two slides that are gone
    assert f"removed {'3 files' if several else '1 file'} of an earlier prediction" in said.stdout
    assert "left alone: geojson/own.geojson, geojson/test_1.geojson" in said.stderr
    names = {path.name for path in (out / "geojson").iterdir()}
    assert names == {"own.geojson", "test_1.geojson", "test_2.geojson", "test_3.geojson"}
    assert {path.name for path in out.glob("patches/*")} == ({"test_2.csv", "test_3.csv"} if several else set())


def test_simulated_slides_are_called_that(task: Path, tmp_path: Path, saccade: Command) -> None:
    shutil.copy(task / "job" / "features_made-up" / "test_0.h5", tmp_path / "test_0.h5")
    mark_simulated(tmp_path / "test_0.h5")
    said = saccade("predict", task / "run", tmp_path / "test_0.h5", "--out", tmp_path / "out").output
    assert "SIMULATED: all slides were made by a program" in said


def test_a_few_slides_have_lines_and_many_have_none(capsys: pytest.CaptureFixture[str]) -> None:
    lines = FewLines(("slide", "risk"), lambda number: (f"slide {number}", str(number)))
    for number in range(10):
        lines.add(number)
    lines.show()
    told = capsys.readouterr().out
    assert "slide 0" in told and "slide 9" in told
    lines.add(10)
    lines.show()
    assert not capsys.readouterr().out
