"""Sets of simulated slides: manifests that load, classes that differ in what they should, slides that stay the same."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import openslide
import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import load_manifest
from saccade.datasets.simulators.slides import SlideRenderer, describe_grid, simulate_slides
from saccade.datasets.simulators.slides.tasks import TASKS


def kinds(path: Path) -> Counter:
    return Counter(each["properties"]["classification"]["name"] for each in json.loads(path.read_text())["features"])


def test_tumour(tmp_path: Path) -> None:
    path = simulate_slides(tmp_path / "set", {"train": 4, "test": 2}, size=700, mpp=4.0)
    manifest = load_manifest(path)
    assert manifest.counts() == {"normal": 3, "tumour": 3}
    assert len({row.case for row in manifest.rows}) == 6 and {row.split for row in manifest.rows} == {"train", "test"}
    for row in manifest.rows:
        found = kinds(tmp_path / "set" / "annotations" / f"{row.path.stem}.geojson")
        assert (found["tumour"] > 0) == (row.label == "tumour") and found["stroma"] == 1
        with openslide.OpenSlide(row.path) as slide:
            assert row.mpp == float(slide.properties["openslide.mpp-x"]) == 4.0
            assert slide.dimensions == (700, 700)


def test_small_slides_of_a_tumour_hold_one_too(tmp_path: Path) -> None:
    """On a millimetre there is no room for a nest of the usual size: the label must be true all the same."""
    path = simulate_slides(tmp_path / "set", {"train": 12}, size=256, mpp=4.0)
    for row in load_manifest(path).rows:
        found = kinds(tmp_path / "set" / "annotations" / f"{row.path.stem}.geojson")
        assert (found["tumour"] == 1) == (row.label == "tumour")
        assert found["stroma"] == 1


def test_slides_that_hold_no_tumour_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"a slide of 160 µm has no room for tumour\. Let it be 1,000 µm or wider"):
        simulate_slides(tmp_path / "set", {"train": 2}, size=64, mpp=2.5)


def test_slides_do_not_depend_on_their_number(tmp_path: Path) -> None:
    few = simulate_slides(tmp_path / "few", {"train": 1}, size=300, mpp=4.0).parent
    many = simulate_slides(tmp_path / "many", 3, size=300, mpp=4.0).parent
    for name in ("slides/train_0000.tif", "annotations/train_0000.geojson"):
        assert (few / name).read_bytes() == (many / name).read_bytes()
    other = simulate_slides(tmp_path / "other", {"train": 1}, size=300, mpp=4.0, seed=1).parent
    assert (few / "slides/train_0000.tif").read_bytes() != (other / "slides/train_0000.tif").read_bytes()


@pytest.mark.parametrize("task", TASKS)
def test_lattices_lie_on_the_patches(tmp_path: Path, task: str) -> None:
    path = simulate_slides(tmp_path / task, {"train": 2}, task, mpp=2.0, patch=32)
    rows = load_manifest(path).rows
    assert [row.label for row in rows] == ["different", "same"]
    for row in rows:
        with openslide.OpenSlide(row.path) as slide:
            assert slide.dimensions[0] % 32 == slide.dimensions[1] % 32 == 0
            corner, glass = ((32, 32), (0, 0))
            patches = [np.asarray(slide.read_region(place, 0, (32, 32)))[..., :3].mean() for place in (corner, glass)]
            assert patches[0] < 225 < 235 < patches[1]


def test_rendered_marks_tell_the_label() -> None:
    grids = [TASKS["pyramid"].draw(label, np.random.default_rng(0)) for label in ("different", "same")]
    one, other = (SlideRenderer(describe_grid(grid, 64.0), 2.0).crop(0, 0, 26 * 32, 34 * 32) for grid in grids)
    changed = (np.abs(one.astype(int) - other).mean(2) > 8).reshape(34, 32, 26, 32).mean((1, 3)) > 0.2
    rows, columns = np.nonzero(changed)
    differ = grids[0].cells[grids[0].kinds != grids[1].kinds].tolist()
    assert len(differ) == 8
    assert sorted(map(list, zip(columns - 1, rows - 1, strict=True))) == sorted(differ)  # a margin of one patch


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="choose among tumour, shift, pyramid, global|Choose among"):
        simulate_slides(tmp_path / "a", 2, "mitosis")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="not empty"):
        simulate_slides(tmp_path / "b", 2)
