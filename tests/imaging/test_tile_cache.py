"""Regions put together from tiles that are unpacked once while they are kept."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile

from saccade.imaging import tile_cache
from saccade.imaging.tile_cache import TileCache
from saccade.imaging.tiled_files import TiledFile

IMAGE = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
TILE = 64 * 64


@pytest.fixture
def file(tmp_path: Path) -> TiledFile:
    tifffile.imwrite(tmp_path / "a.tif", IMAGE, photometric="rgb", tile=(64, 64), compression="zlib")
    return TiledFile(tmp_path / "a.tif")


@pytest.mark.parametrize(("rows", "columns"), [((0, 200), (0, 300)), ((63, 65), (127, 129)), ((10, 11), (299, 300))])
def test_regions(file: TiledFile, rows: tuple[int, int], columns: tuple[int, int]) -> None:
    assert np.array_equal(TileCache(file).region(0, rows, columns), IMAGE[slice(*rows), slice(*columns)])


def test_tiles_are_unpacked_once(file: TiledFile) -> None:
    unpacked: list[int] = []
    cache = TileCache(file, unpacked.append)
    for _ in range(3):
        cache.region(0, (60, 70), (10, 20))
    assert unpacked == [TILE, TILE]


def test_few_are_kept(file: TiledFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_cache, "CACHE_BYTES", 2 * TILE * 3)
    unpacked: list[int] = []
    cache = TileCache(file, unpacked.append)
    for column in (0, 64, 128, 0, 128):  # the first has made room for the third, and unpacks again
        cache.region(0, (0, 10), (column, column + 10))
    assert len(unpacked) == 4 and cache._kept == 2 * TILE * 3 == sum(tile.nbytes for tile in cache._tiles.values())


def test_threads(file: TiledFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_cache, "CACHE_BYTES", 3 * TILE * 3)
    cache = TileCache(file)
    places = np.random.default_rng(1).integers(0, 140, (200, 2)).tolist()

    def right(place: list[int]) -> bool:
        y, x = place
        return np.array_equal(cache.region(0, (y, y + 60), (x, x + 90)), IMAGE[y : y + 60, x : x + 90])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(right, places))
    assert cache._kept == sum(tile.nbytes for tile in cache._tiles.values()) <= 3 * TILE * 3
