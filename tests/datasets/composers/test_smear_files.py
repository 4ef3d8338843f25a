"""Virtual smears on disk come back as they were made, and are embedded whole."""

import json
from pathlib import Path

import numpy as np
import openslide
import pytest

from saccade.core.manifest import load_manifest
from saccade.datasets.boxes import boxes_beside
from saccade.datasets.composers.materials import simulated_backgrounds, simulated_crops
from saccade.datasets.composers.smear_files import compose_smears
from saccade.datasets.composers.virtual_smears import SmearSettings, VirtualSmears
from saccade.datasets.pyramids import PyramidSettings
from saccade.features.embedding.job import Job
from saccade.features.embedding.local import embed_here
from saccade.features.embedding.reading import Pace
from saccade.features.embedding.settings import EmbedSettings
from saccade.features.encoders import create_encoder
from saccade.features.patching import PatchSettings
from saccade.imaging.slides.finding import inspect_slides


def test_files(tmp_path: Path) -> None:
    settings = SmearSettings("neighbours", size=640, cells=(12, 14), pairs=2, mpp=0.3)
    storage = PyramidSettings(tile=64, compression="deflate")
    path = compose_smears(tmp_path / "set", counts={"train": 2, "test": 1}, settings=settings, storage=storage)
    manifest = load_manifest(path)
    boxes = boxes_beside(manifest)
    assert boxes is not None and [row.split for row in manifest.rows] == ["train", "train", "test"]
    assert len({row.case for row in manifest.rows}) == 3 and {row.mpp for row in manifest.rows} == {0.3}
    made = VirtualSmears(simulated_crops(), simulated_backgrounds(), settings)
    for row, slide in zip(
        manifest.rows, [made.slide("train", 0), made.slide("train", 1), made.slide("test", 0)], strict=True
    ):
        assert row.label == slide.label
        with openslide.OpenSlide(row.path) as file:
            assert float(file.properties["openslide.mpp-x"]) == pytest.approx(0.3, rel=1e-4)
            assert "simulated" in file.properties["openslide.comment"]
            np.testing.assert_array_equal(np.asarray(file.read_region((0, 0), 0, (640, 640)))[..., :3], slide.image)
        truth = json.loads((tmp_path / "set" / "annotations" / f"{row.path.stem}.geojson").read_text())["features"]
        found = [(each["properties"]["classification"]["name"], each["geometry"]["coordinates"][0]) for each in truth]
        assert [(box.label, [*box.box]) for box in slide.boxes] == [(n, [*r[0], *r[2]]) for n, r in found]
        assert [(box.label, box.kind) for box in boxes[row.name]] == [(box.label, box.kind) for box in slide.boxes]


def test_no_smear_is_embedded_as_an_empty_bag(tmp_path: Path) -> None:
    counts = {"train": 2}
    path = compose_smears(tmp_path / "set", counts=counts, settings=SmearSettings(size=512, cells=(4, 6)))
    encoder = create_encoder("colour-texture")
    patches = PatchSettings(mpp=0.25, patch=128)
    settings = EmbedSettings({"name": encoder.name, **encoder.facts}, patches)
    job = Job(tmp_path / "job", settings, *inspect_slides(path))
    states = list(embed_here(job, job.items, encoder, Pace(0), lambda item: lambda done, total: None))
    assert [(state.status, state.patches) for state in states] == [("done", 16)] * 2
