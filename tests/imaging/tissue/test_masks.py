"""The user's own masks, whatever their scale and form."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saccade.core.errors import BadInput
from saccade.imaging.tissue.masks import own_tissue
from tests.imaging.tissue.scenes import blobs, overlap

WIDTH, HEIGHT = 9_613, 6_407


def save(path: Path, mask: np.ndarray) -> Path:
    Image.fromarray(mask.astype(np.uint8) * 255).save(path)
    return path


@pytest.mark.parametrize("across", [97, 300, 301, 2_000])
def test_a_picture_of_any_scale(tmp_path: Path, across: int) -> None:
    """The same ellipse drawn at several scales, asked for at 32: it lies where it lay."""
    rows, columns = round(across * HEIGHT / WIDTH), across
    zoom = across / WIDTH
    ellipse = (5_000, 3_000, 2_500, 1_500)
    mask = blobs(rows, columns, tuple(max(1, round(value * zoom)) for value in ellipse))
    tissue = own_tissue(save(tmp_path / "mask.png", mask), WIDTH, HEIGHT, 32.0, 0.25)
    truth = blobs(201, 301, tuple(round(value / 32) for value in ellipse))
    assert tissue.mask.shape == (201, 301) and tissue.found == "given"
    assert overlap(tissue.mask, truth) > 0.9
    assert tissue.area_mm2 == pytest.approx(mask.sum() / zoom**2 * 0.25**2 / 1e6, rel=0.03)


def test_a_picture_at_the_scale_asked_for_is_taken_as_it_is(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).random((20, 30)) < 0.5
    assert (own_tissue(save(tmp_path / "m.png", mask), 30 * 16, 20 * 16, 16.0, 0.5).mask == mask).all()


def test_geojson(tmp_path: Path) -> None:
    ring = [[100, 100], [300, 100], [300, 200], [100, 200], [100, 100]]
    path = tmp_path / "m.GeoJSON"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    tissue = own_tissue(path, 1000, 1000, 10.0, 0.5, offset=(100, 0))
    assert tissue.mask[10:20, 20:40].all() and tissue.mask.sum() == 200


def test_another_proportion(tmp_path: Path) -> None:
    path = save(tmp_path / "m.png", np.ones((100, 100), bool))
    with pytest.raises(BadInput, match=r"m.png: the mask is 100 × 100 pixels.*9613 × 6407"):
        own_tissue(path, WIDTH, HEIGHT, 32.0, 0.25)


def test_another_kind(tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_text("tissue")
    with pytest.raises(BadInput, match="no kind of tissue mask"):
        own_tissue(tmp_path / "m.txt", 10, 10, 1.0, 0.5)
    with pytest.raises(BadInput, match="no such file"):
        own_tissue(tmp_path / "m.png", 10, 10, 1.0, 0.5)
