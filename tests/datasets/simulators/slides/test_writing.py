"""Simulated slides on disk: the polygons say what the pixels show, and memory does not grow with the slide."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import openslide

from saccade.datasets.simulators.slides import simulate_slide
from saccade.datasets.simulators.slides.description import KINDS
from saccade.datasets.simulators.slides.frames import CHUNK, Shapes, frame_at
from saccade.imaging.slides import open_slide
from saccade.imaging.slides.describing import described
from saccade.imaging.slides.openslide_reader import OpenSlideReader
from saccade.imaging.slides.tiff_reader import TiffReader
from tests.slide_files import pyramid, write_pyramid


def polygons(path: Path) -> list[tuple[str, list[np.ndarray]]]:
    features = json.loads(path.read_text())["features"]
    return [
        (
            each["properties"]["classification"]["name"],
            [np.array(r, np.float32) for r in each["geometry"]["coordinates"]],
        )
        for each in features
    ]


def kind_at(found: list[tuple[str, list[np.ndarray]]], x: float, y: float, margin: float) -> str | None:
    """The kind at a place; '' on glass, None within `margin` pixels of an edge."""
    kind = ""
    for name, (outer, *holes) in found:
        distances = [cv2.pointPolygonTest(ring, (x, y), True) for ring in (outer, *holes)]
        if min(abs(distance) for distance in distances) < margin:
            return None
        if distances[0] > 0 and all(distance < 0 for distance in distances[1:]):
            assert not kind, "regions overlap"
            kind = name
    return kind


def test_polygons_agree_with_what_is_rendered(tmp_path: Path) -> None:
    mpp = 0.5
    description = simulate_slide(tmp_path / "a.tif", 4000, 3000, mpp, seed=5)
    found = polygons(tmp_path / "a.geojson")
    assert {name for name, _ in found} >= {"stroma", "tumour", "lymphocytes"}
    shapes, rng, seen = Shapes.of(description, mpp), np.random.default_rng(0), set()
    inside, bright = 0, 0
    with openslide.OpenSlide(tmp_path / "a.tif") as slide:
        for x, y in rng.uniform((40, 40), (3960, 2960), (400, 2)).tolist():
            kind = kind_at(found, x, y, margin=12)
            if kind is None:
                continue
            frame = frame_at(shapes, int(x) // CHUNK * CHUNK, int(y) // CHUNK * CHUNK, mpp)
            place = np.array([x * mpp]), np.array([y * mpp])
            shown = (
                {} if frame is None else {name: int(frame.at(mask, *place)[0]) for name, mask in frame.masks.items()}
            )
            assert {name for name, share in shown.items() if share > 127} == ({kind} if kind else set())
            patch = np.asarray(slide.read_region((int(x) - 8, int(y) - 8), 0, (16, 16)))[..., :3]
            if kind in ("", "fat"):
                bright += 1
                assert patch[..., 1].mean() > (225 if kind == "" else 150)
            else:
                inside += patch[..., 1].mean() < 225
            seen.add(kind)
    assert inside > 100 and bright > 50 and seen >= {"", "stroma", "tumour"}
    assert set(KINDS) >= seen - {""}


def test_one_seed_one_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        simulate_slide(tmp_path / f"{name}.tif", 900, 700, 1.0, seed=2)
    simulate_slide(tmp_path / "c.tif", 900, 700, 1.0, seed=3)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    assert (tmp_path / "a.geojson").read_bytes() == (tmp_path / "b.geojson").read_bytes()
    assert (tmp_path / "a.tif").read_bytes() != (tmp_path / "c.tif").read_bytes()


def test_says_that_it_is_simulated(tmp_path: Path) -> None:
    simulate_slide(tmp_path / "a.tif", 600, 600, 1.0)
    with openslide.OpenSlide(tmp_path / "a.tif") as slide:
        assert slide.properties["openslide.comment"].startswith("Simulated")
        assert float(slide.properties["openslide.mpp-x"]) == 1.0
    assert json.loads((tmp_path / "a.geojson").read_text())["description"].startswith("Simulated")


_CHILD = """
import resource, sys
from saccade.datasets.simulators.slides import simulate_slide
simulate_slide("warm.tif", 512, 512, 1.0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
simulate_slide("a.tif", 8000, int(sys.argv[1]), 1.0, tissue=0.3)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_does_not_grow_with_the_height(tmp_path: Path) -> None:
    grown = [
        float(
            subprocess.run([sys.executable, "-c", _CHILD, height], cwd=tmp_path, capture_output=True, check=True).stdout
        )
        for height in ("1024", "4096")
    ]
    assert grown[1] < 120  # MiB; the pixels are 94 MiB, and grow by 70
    assert grown[1] - grown[0] < 35


def test_every_reader_sees_that_it_is_simulated(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    simulate_slide(path, 600, 600, 1.0)
    plain = write_pyramid(tmp_path / "b.tif", pyramid())
    for reader in (OpenSlideReader, TiffReader):
        assert reader(path).facts.simulated and not reader(plain).facts.simulated
    assert dict(described(open_slide(path)))["simulated"].startswith("yes")
    assert "simulated" not in dict(described(open_slide(plain)))
