"""Proxies follow the formula they state, keep what the manifest says, and are called proxies."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.composers.modality_proxies import (
    LONGEST,
    NANOMETRES,
    check_modality,
    event_like,
    opd_like,
    write_proxy,
)
from saccade.datasets.simulators import simulate_cell, write_dataset
from saccade.datasets.sources import is_simulated, open_manifest, origin_of
from saccade.imaging.image_files import load_image, load_mask

DICE = np.random.default_rng(0)


def spot(size: int = 40, background: tuple[int, int, int] = (240, 230, 220), darker: int = 4) -> np.ndarray:
    """A square that lets a part of the light through, on plain ground."""
    image = np.full((size, size, 3), background, np.uint8)
    image[12:28, 12:28] //= darker
    return image


def test_opd_like_is_density_in_nanometres() -> None:
    image = spot()
    opd = opd_like(image)
    assert opd.shape == (40, 40, 1)
    assert opd.dtype == np.float32
    density = -np.log10(image[20, 20] / image[0, 0]).sum()
    assert opd[20, 20, 0] == pytest.approx(NANOMETRES * density, rel=1e-4)
    assert np.abs(opd[:8]).max() < 0.01


def test_the_background_is_made_flat() -> None:
    """Light that falls off to one side is a plane of density, and is gone."""
    falling = (240 * 10 ** (-0.2 * np.arange(60) / 60))[None, :, None]
    image = np.rint(np.broadcast_to(falling, (60, 60, 3))).astype(np.uint8)
    assert np.ptp(opd_like(image)) < 1.5 < np.ptp(-NANOMETRES * np.log10(image / 255).sum(2))


def test_grey_images_count_as_three_equal_channels() -> None:
    grey = spot(background=(230, 230, 230))
    np.testing.assert_allclose(opd_like(grey[..., :1]), opd_like(grey), atol=1e-3)
    deep = grey.astype(np.uint16) * 257
    np.testing.assert_allclose(opd_like(deep), opd_like(grey), atol=1e-3)


def test_event_like_darkens_ahead_and_brightens_behind() -> None:
    counts = event_like(spot(), DICE)
    assert counts.shape == (40, 40, 2)
    assert counts.dtype == np.float32
    off, on = counts[16:24, :, 0].sum(0), counts[16:24, :, 1].sum(0)
    assert off[24:32].sum() > 20 > 2 > on[24:32].sum()  # its right edge moves into the light
    assert on[8:16].sum() > 20 > 2 > off[8:16].sum()
    # ln 4 of light are that many thresholds at every pixel that both edges pass
    assert off.max() / 8 == pytest.approx(np.log(4) / 0.13, rel=0.2)


def test_event_like_moves_by_a_sixteenth_of_the_width() -> None:
    """An edge that moves by so many columns leaves its events in them, and in no others."""
    image = np.full((128, 128, 3), 240, np.uint8)
    image[:, :64] //= 4  # the right edge of the dark half, on its way to the right
    off = event_like(image, DICE)[..., 0].sum(0)
    columns = np.flatnonzero(off > 0.5 * off.max())
    assert off[56:80].sum() > 0.8 * off.sum()
    assert len(columns) == pytest.approx(128 / 16, abs=2)


def test_event_like_has_the_pixels_of_a_sensor() -> None:
    assert event_like(np.full((300, 200, 3), 200, np.uint8), DICE).shape == (LONGEST, round(LONGEST * 2 / 3), 2)


@pytest.mark.parametrize("image", [np.zeros((8, 8, 3), np.float32), np.zeros((8, 8, 2), np.uint8)])
def test_what_is_no_brightfield_image(image: np.ndarray) -> None:
    for make in (opd_like, lambda given: event_like(given, DICE)):
        with pytest.raises(BadInput, match="no brightfield image"):
            make(image)


@pytest.mark.parametrize(("modality", "word", "channels"), [("opd", "OPD-like", 1), ("events", "event-like", 2)])
def test_a_proxy_set(tmp_path: Path, modality: str, word: str, channels: int) -> None:
    source = open_manifest(write_dataset(tmp_path / "in", {"train": 1, "test": 1}, size=160, mpp=0.16))
    made = write_proxy(source, modality, tmp_path / "out")
    manifest = open_manifest(made.manifest)
    assert made.count == len(manifest) == len(source) == 10
    assert not made.problems
    assert made.word == f"{word} proxy" and origin_of(manifest) == f"simulated {word} proxy"
    assert not is_simulated(manifest)
    for one, two in zip(source.rows, manifest.rows, strict=True):
        assert (two.label, two.split) == (one.label, one.split)
        assert two.case_id == f"proxy-{modality}-{one.case_id}"
        assert two.path.name.startswith(f"proxy-{modality}-000") and one.path.stem in two.path.stem
        image = load_image(two.path)
        assert (image.dtype, image.shape[2]) == (np.float32, channels)
        assert two.mpp == pytest.approx(0.16 * 160 / image.shape[1])
        assert one.mask_path is not None and two.mask_path is not None
        np.testing.assert_array_equal(load_mask(two.mask_path), load_mask(one.mask_path))


def test_proxies_are_repeatable_and_of_brightfield_alone(tmp_path: Path) -> None:
    source = open_manifest(write_dataset(tmp_path / "in", {"test": 1}, size=32))
    one, two = (write_proxy(source, "events", tmp_path / name) for name in ("one", "two"))
    rows = zip(open_manifest(one.manifest).rows, open_manifest(two.manifest).rows, strict=True)
    assert all((load_image(first.path) == load_image(second.path)).all() for first, second in rows)
    with pytest.raises(BadInput, match="is a set of proxies"):
        write_proxy(open_manifest(one.manifest), "opd", tmp_path / "three")


def test_images_of_no_known_case_keep_apart(cells: Path, tmp_path: Path) -> None:
    rows = open_manifest(write_proxy(open_manifest(cells), "opd", tmp_path).manifest).rows
    assert len({row.case_id for row in rows}) == len({row.case for row in open_manifest(cells).rows})


def test_damaged_images_cost_a_line(tmp_path: Path) -> None:
    source = open_manifest(write_dataset(tmp_path / "in", {"test": 1}, size=32))
    source.rows[0].path.write_bytes(b"no PNG")
    made = write_proxy(source, "opd", tmp_path / "out")
    assert (made.count, len(made.problems)) == (4, 1)
    assert source.rows[0].path.name in str(made.problems[0])
    for row in source.rows:
        row.path.write_bytes(b"no PNG")
    with pytest.raises(BadInput, match="none of the 5 images"):
        write_proxy(source, "opd", tmp_path / "none")


def test_unknown_modality() -> None:
    check_modality("opd")
    with pytest.raises(BadInput, match="opd, events"):
        check_modality("x-ray")


def test_a_nucleus_stands_out() -> None:
    cell = simulate_cell("lymphocyte", DICE, 64, 0.4)
    opd = opd_like(cell.image)[..., 0]
    assert opd[cell.nucleus].mean() > 2 * opd[~cell.cell].mean() + 20
