"""``saccade explain`` for runs of slides, from bags or from the slides themselves."""

import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.cli.conftest import SMALL_SPAN, Command
from tests.features.embedding.small_slides import write_slides
from tests.miniature_annotated import outline, write_outlines
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


@pytest.fixture(scope="module")
def predicted(slides: Path, tmp_path_factory: pytest.TempPathFactory, saccade: Command) -> str:
    """The class that the run gives to its first slide of the test part."""
    out = tmp_path_factory.mktemp("predicted")
    saccade("predict", slides / "run", bag_of(slides), "--out", out)
    with (out / "predictions.csv").open(newline="") as file:
        return next(csv.DictReader(file))["predicted"]


def bag_of(slides: Path) -> Path:
    return slides / "job" / "features_made-up" / "test_1.h5"


def explained_with(slides: Path, saccade: Command, out: Path, regions: Path, *options: str) -> str:
    return saccade("explain", slides / "run", bag_of(slides), "--out", out, "--regions", regions, *options).output


def test_outlines_of_the_class_that_was_given_count_alone(
    slides: Path, predicted: str, tmp_path: Path, saccade: Command
) -> None:
    everything = outline(-1, -1, 1e6, 1e6, "stroma")
    write_outlines(tmp_path / "r" / "test_1.geojson", everything, outline(1e6, 1e6, 2e6, 2e6, predicted.upper()))
    said = explained_with(slides, saccade, tmp_path / "out", tmp_path / "r")
    assert f"regions: outlines of {predicted} (1 of 1 slides)" in said
    assert "100.0%" not in said.split("explained")[0].split("in region")[1], "none of the patches is in that class"
    said = explained_with(slides, saccade, tmp_path / "out", tmp_path / "r", "--region-class", "stroma")
    assert "regions: outlines of stroma (1 of 1 slides)" in said and "100.0%" in said


def test_regions_that_say_nothing_are_a_note_and_no_share(slides: Path, tmp_path: Path, saccade: Command) -> None:
    regions = tmp_path / "r"
    write_outlines(regions / "test_1.geojson")
    said = explained_with(slides, saccade, tmp_path / "out", regions)
    assert "note: test_1: --regions has no outline, so" in said and "in region" not in said
    write_outlines(regions / "test_1.geojson", outline(0, 0, 9, 9, "stroma"))
    said = explained_with(slides, saccade, tmp_path / "out", regions)
    assert "only of stroma" in said and "--region-class" in said and "in region" not in said
    (regions / "test_1.geojson").rename(regions / "another.geojson")
    said = explained_with(slides, saccade, tmp_path / "out", regions)
    assert "has no file of these slides, such as test_1.geojson" in said and "in region" not in said


def test_regions_that_are_not_there_are_refused_at_once(
    slides: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    out = tmp_path / "out"
    given = ("explain", slides / "run", bag_of(slides), "--out", out)
    assert "no such file or folder" in refused(*given, "--regions", tmp_path / "nowhere")
    assert "Give --regions" in refused(*given, "--region-class", "tumour")
    assert not out.exists()
