"""Features that other tools have stored are trained on, judged and predicted as they lie: nothing is converted.

The files are written here by plain h5py, as the tools write them; nothing of Saccade's own writer is in them.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from tests.cli.conftest import SMALL_SPAN, Command

SLIDES, SIDE, DIM, MPP = 12, 4, 6, 0.25
LABELS = ("normal", "tumour")


def name_of(number: int) -> str:
    return f"TCGA-{number:02}.811E11E7"  # a dot, as names of TCGA have one


def features_of(number: int) -> np.ndarray:
    """Patch by patch in raster order; of a tumour, six stand out."""
    dice = np.random.default_rng(number)
    features = 0.1 * dice.standard_normal((SIDE * SIDE, DIM)).astype(np.float32)
    features[: 6 * (number % 2), 0] += 2.0
    return features


def places(stride: int) -> np.ndarray:
    """Corners of the patches in base pixels, away from the slide's own."""
    return 3000 + stride * np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).reshape(-1, 2)


def save(path: Path, told: dict[str, dict[str, object]], **values: np.ndarray) -> None:
    """Growing datasets of one-row chunks, each with its attributes; those of the file go by no name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs.update(told.get("", {}))
        for name, value in values.items():
            options = {"maxshape": (None, *value.shape[1:]), "chunks": (1, *value.shape[1:])} if value.ndim > 1 else {}
            file.create_dataset(name, data=value, **options).attrs.update(told.get(name, {}))


def table(path: Path, columns: tuple[str, ...], row: Callable[[int], tuple[object, ...]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(row(number) for number in range(SLIDES))
    return path


def trident(folder: Path) -> Path:
    """20x features of 40x slides, with all that a job leaves beside them; some encoders leave an axis in front."""
    job = folder / "20x_256px_0px_overlap"
    (folder / "thumbnails").mkdir(parents=True)
    for number in range(SLIDES):
        name, features, coords = name_of(number), features_of(number), places(512)
        told: dict[str, object] = {"patch_size": 256, "patch_size_level0": 512, "level0_magnification": 40}
        told |= {"target_magnification": 20, "overlap": 0, "name": name, "savetodir": "/job/20x_256px_0px_overlap"}
        of_features = {"name": name, "savetodir": "/job/features_uni_v1"} | ({"encoder": "uni_v1"} if number else {})
        save(job / "patches" / f"{name}_patches.h5", {"coords": told}, coords=coords)
        whole = {"features": features[None], "coords": coords[None]} if number % 3 == 0 else {}
        attributes = {"features": of_features, "coords": told}
        save(job / "features_uni_v1" / f"{name}.h5", attributes, **{"features": features, "coords": coords} | whole)
        save(job / "slide_features_titan" / f"{name}.h5", attributes, features=features.mean(0), coords=coords)
        Image.new("RGB", (8, 8)).save(folder / "thumbnails" / f"{name}.jpg")
    (job / "_logs_feats_uni_v1.txt").write_text("done")
    (job / "features_uni_v1" / f"{name_of(0)}.h5.lock").write_text("{}")
    columns = ("wsi", "label", "patient_id")
    return table(folder / "slides.csv", columns, lambda n: (f"{name_of(n)}.svs", LABELS[n % 2], f"p{n}"))


def clam(folder: Path) -> Path:
    """Features twice, as tables and tensors, and not a word of what the patches are."""
    for number in range(SLIDES):
        coords = places(256).astype(np.int32)
        save(folder / "h5_files" / f"{name_of(number)}.h5", {}, features=features_of(number), coords=coords)
        (folder / "pt_files").mkdir(exist_ok=True)
        torch.save(torch.from_numpy(features_of(number)), folder / "pt_files" / f"{name_of(number)}.pt")
    columns = ("case_id", "slide_id", "label")
    return table(folder.parent / "slides.csv", columns, lambda n: (f"p{n}", name_of(n), LABELS[n % 2]))


def stamp(folder: Path) -> Path:
    """Half floats, and coordinates in micrometres: the table says how large base pixels are."""
    told = {"stamp_version": "2.3.0", "extractor": "ctranspath", "unit": "um", "tile_size_um": 256.0}
    told |= {"tile_size_px": 224, "code_hash": "0a", "feat_type": "tile"}
    for number in range(SLIDES):
        halves, microns = features_of(number).astype(np.float16), places(1024) * MPP
        save(folder / f"{name_of(number)}.h5", {"": told}, feats=halves, coords=microns)
    columns = ("PATIENT", "FILENAME", "label", "mpp")
    return table(folder.parent / "slides.csv", columns, lambda n: (f"p{n}", f"{name_of(n)}.h5", LABELS[n % 2], MPP))


TOOLS: dict[str, tuple[Callable[[Path], Path], str, int, tuple[str, ...]]] = {
    "trident": (trident, "uni_v1", 512, ()),
    "clam": (clam, "", 256, ()),
    "stamp": (stamp, "ctranspath", 1024, ("--source-mpp", str(MPP))),
}
"""What lays out the folder and its table, the encoder, base pixels of a patch, and what `predict` must be told."""


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("tool", TOOLS)
def test_it_goes_in_as_it_lies(tool: str, tmp_path: Path, saccade: Command) -> None:
    lay_out, encoder, patch, told = TOOLS[tool]
    job = tmp_path / "job"
    labels = lay_out(job)
    run, words = tmp_path / "run", ("--data", labels, "--features", job)
    saccade("train", *words, *SMALL_SPAN, "--out", run)
    assert json.loads((run / "config.json").read_text())["preprocessing"]["encoder"] == encoder
    saccade("evaluate", run, "--data", labels, "--out", tmp_path / "eval")
    metrics = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    parts = [row["split"] for row in csv.DictReader((run / "splits.csv").open())]
    assert len(parts) == SLIDES and metrics["n"] == parts.count("test") > 0
    assert metrics["cost"]["patches"] == SIDE * SIDE
    saccade("predict", run, job, *told, "--out", tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "predictions.csv").open()))
    assert len(rows) == SLIDES and not any(row["error"] for row in rows)
    tiles = json.loads((tmp_path / "out" / "geojson" / f"{name_of(1)}.geojson").read_text())["features"]
    corners = [tile["geometry"]["coordinates"][0][0] for tile in tiles]
    assert sorted(corners) == sorted(places(patch).tolist())
    ring = np.array(tiles[0]["geometry"]["coordinates"][0])
    assert np.ptp(ring, axis=0).tolist() == [patch, patch]
