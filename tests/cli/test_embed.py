"""``saccade embed``: a folder in, bags out, and a line for whatever has none."""

import csv
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from saccade.features.store import open_bag
from tests.cli.conftest import Command
from tests.features.embedding.small_slides import write_slides

OPTIONS = ("--patch", 32, "--mpp", 2.0, "--source-mpp", 2.0)


def test_a_folder_becomes_bags_and_is_not_done_twice(tmp_path: Path, saccade: Command) -> None:
    slides, job = write_slides(tmp_path / "slides", 2), tmp_path / "job"
    said = saccade("embed", slides, "--out", job, *OPTIONS).output
    assert "0 of 2 slides are done; 2 to embed" in said and "2 slides: 2 done; 140 patches" in said
    bag = open_bag(job / "5x_32px_0px_overlap" / "features_colour-texture" / "s0.h5")
    assert bag.features.shape == (70, 76) and bag.encoder == "colour-texture"
    before = bag.path.stat().st_mtime_ns
    assert "2 of 2 slides are done; 0 to embed" in saccade("embed", slides, "--out", job, *OPTIONS).output
    assert bag.path.stat().st_mtime_ns == before
    said = saccade("embed", slides, "--out", job, *OPTIONS, "--half").output
    assert "settings have changed: half" in said and "2 to embed, of which 2 again" in said
    assert open_bag(bag.path).features.dtype == np.float16


def test_shards_do_what_one_job_does(tmp_path: Path, saccade: Command) -> None:
    slides = write_slides(tmp_path / "slides", 3)
    saccade("embed", slides, "--out", tmp_path / "whole", *OPTIONS)
    for number in (2, 1):
        saccade("embed", slides, "--out", tmp_path / "shares", *OPTIONS, "--shard", f"{number}/2")
    assert (tmp_path / "shares" / "summary-1-of-2.md").read_text().startswith("# 3 slides: 3 done")
    for path in (tmp_path / "whole").rglob("*.h5"):
        other = tmp_path / "shares" / path.relative_to(tmp_path / "whole")
        with h5py.File(path) as one, h5py.File(other) as two:
            assert all(np.array_equal(one[name][:], two[name][:]) for name in ("coords", *one) if name in one)


def test_bad_slides_cost_a_line_each_and_exit_3(tmp_path: Path, saccade: Command) -> None:
    slides = write_slides(tmp_path / "slides", 2)
    (slides / "bad.svs").write_bytes(b"nothing")
    result = saccade("embed", slides, "--out", tmp_path / "job", *OPTIONS, code=3)
    assert [line.split(":")[0] for line in result.stderr.splitlines()] in (["unreadable"], ["unsupported"])
    assert "bad.svs" in result.stderr and "2 done" in result.stdout


def test_a_manifest_needs_no_labels_and_may_state_the_mpp(tmp_path: Path, saccade: Command) -> None:
    slides = write_slides(tmp_path / "slides", 2)
    with (slides / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "mpp"], ["s0.png", "2.0"], ["s1.png", "1.0"]])
    saccade("embed", slides / "list.csv", "--out", tmp_path / "job", *OPTIONS[:4])
    bags = [open_bag(path) for path in sorted((tmp_path / "job").rglob("features_*/*.h5"))]
    assert [bag.patch_size_level0 for bag in bags] == [32, 64]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--shard", "3/2"), "shard"),
        (("--shard", "two"), "i/n"),
        (("--encoder", "colour-textur"), "colour-texture"),
        (("--overlap", 5), "--overlap"),
        (("--encoder", "saccade:nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    tmp_path: Path, refused: Callable[..., str], options: tuple[object, ...], said: str
) -> None:
    slides = write_slides(tmp_path / "slides", 1)
    assert said in refused("embed", slides, "--out", tmp_path / "job", *OPTIONS, *options)
    assert not (tmp_path / "job").exists()


def test_no_slides_is_said(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no slide" in refused("embed", tmp_path / "empty", "--out", tmp_path / "job")


@pytest.mark.real_data
def test_the_real_slides_end_as_they_should(tmp_path: Path, real_data: Path, saccade: Command) -> None:
    """The table of what is to be expected of each file."""
    result = saccade("embed", real_data / "slides", "--source-mpp", 0.25, "--out", tmp_path / "job", code=3)
    counts = {}
    for path in (tmp_path / "job" / "20x_224px_0px_overlap" / "features_colour-texture").iterdir():
        with h5py.File(path) as file:
            counts[path.stem.split("__")[0]] = counts.get(path.stem.split("__")[0], 0) + len(file["features"])
    assert counts.keys() == {"boxes", "boxes_0", "cmu-1-small-region", "fluorescence-dapi", "tcga-cr-7395-01a-01-ts1"}
    assert counts["boxes"] == counts["boxes_0"] == 0 and sum(count > 0 for count in counts.values()) == 3
    lines = sorted(result.stderr.splitlines())
    assert [line.split(":")[0] for line in lines] == ["unreadable", "unreadable", "unsupported"]
    assert any("unreadable.svs: cannot be read at x 0, y 0, level 0" in line for line in lines)
    result = saccade("embed", real_data / "slides", "--out", tmp_path / "job", code=3)
    (line,) = [line for line in result.stderr.splitlines() if "tcga" in line]
    assert line.startswith("no mpp: ") and "mpp column" in line and "--source-mpp" in line


def test_bad_rows_cost_a_line_each_and_the_others_go_on(tmp_path: Path, saccade: Command) -> None:
    slides = write_slides(tmp_path / "slides", 2)
    rows = "path,mpp,tissue_path\ns0.png,2,\ns1.png,30,\ngone.svs,0.5,\ns0.png,0.5,\n,0.5,\n"
    (slides / "list.csv").write_text(rows)
    found = saccade("embed", slides / "list.csv", "--out", tmp_path / "job", *OPTIONS[:4], code=3)
    for words in ("row 3: 30 micrometres", "gone.svs: there is no such file", "row 5: 's0.png' is", "row 6: the path"):
        assert words in found.stderr
    assert found.stderr.count("refused: ") == 3 and "3 rows refused" in found.stdout
    assert "1 done, 1 unreadable" in found.stdout
    summary = (tmp_path / "job" / "summary.md").read_text()
    assert "row 3: 30 micrometres" in summary


def test_the_users_manifest_is_never_written_over(tmp_path: Path, refused: Callable[..., str]) -> None:
    slides = write_slides(tmp_path / "slides", 1)
    (slides / "manifest.csv").write_text("path,mpp,note\ns0.png,0.5,mine\n")
    assert "is where the slides are" in refused("embed", slides, "--out", slides)
    assert (slides / "manifest.csv").read_text().endswith("mine\n")


def test_a_job_inside_the_folder_of_slides_is_not_taken_for_slides(tmp_path: Path, saccade: Command) -> None:
    slides = write_slides(tmp_path / "slides", 1)
    for _ in range(2):
        found = saccade("embed", slides, "--out", slides / "job", "--source-mpp", 2.0, *OPTIONS[:4])
    assert "1 of 1 slides are done; 0 to embed" in found.stdout


def test_a_failure_names_its_slide(tmp_path: Path, saccade: Command) -> None:
    """Where the patches are finer than the slide, or the file at fault is the mask."""
    slides = write_slides(tmp_path / "slides", 2)
    (slides / "mask.geojson").write_text("{")
    (slides / "list.csv").write_text("path,mpp,tissue_path\ns0.png,4,\ns1.png,2,mask.geojson\n")
    found = saccade("embed", slides / "list.csv", "--out", tmp_path / "job", *OPTIONS[:4], code=3).stderr
    assert "failed: s0.png: " in found and "failed: s1.png: " in found
