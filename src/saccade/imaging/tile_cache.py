"""Unpacked tiles of a tiled file, kept for the next who asks, and regions put together from them."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

import numpy as np

from saccade.imaging.tiled_files import Pixels, TiledFile

CACHE_BYTES = 2**25
"""Tiles kept unpacked, for regions that share them."""


class TileCache:
    """The tiles of one file; the one that was used longest ago makes room. Several threads may ask at a time.

    Args:
        file: Where the tiles are.
        unpacked: Told how many pixels were unpacked, each time some were.
        room: Bytes of tiles kept; ``CACHE_BYTES`` where not given.
    """

    def __init__(
        self, file: TiledFile, unpacked: Callable[[int], None] = lambda pixels: None, room: int | None = None
    ) -> None:
        self.file, self.room = file, CACHE_BYTES if room is None else room
        self._unpacked = unpacked
        self._tiles: OrderedDict[tuple[int, int], Pixels] = OrderedDict()
        self._kept = 0
        self._lock = Lock()

    def region(self, number: int, rows: tuple[int, int], columns: tuple[int, int]) -> Pixels:
        """Pixels of a level between two rows and two columns, all inside it."""
        level = self.file.levels[number]
        (top, bottom), (left, right) = rows, columns
        high, wide = level.tile
        region = np.empty((bottom - top, right - left, self.file.channels), self.file.dtype)
        for y in range(top // high * high, bottom, high):
            for x in range(left // wide * wide, right, wide):
                tile = self._tile(number, y // high * level.across + x // wide)
                low, near = max(y, top), max(x, left)
                part = tile[low - y : bottom - y, near - x : right - x]
                region[low - top : low - top + part.shape[0], near - left : near - left + part.shape[1]] = part
        return region

    def _tile(self, number: int, place: int) -> Pixels:
        """One tile, out of those kept or unpacked now."""
        key = (number, place)
        with self._lock:
            if key in self._tiles:
                self._tiles.move_to_end(key)
                return self._tiles[key]
        level = self.file.levels[number]
        tile = self.file.tile(level, place)
        if level.counts[place]:
            self._unpacked(tile.shape[0] * tile.shape[1])
        with self._lock:
            self._keep(key, tile)
        return tile

    def _keep(self, key: tuple[int, int], tile: Pixels) -> None:
        """Keep a tile that another thread may have kept meanwhile, and let the oldest go."""
        self._kept += tile.nbytes - (self._tiles.pop(key).nbytes if key in self._tiles else 0)
        self._tiles[key] = tile
        while self._kept > self.room and len(self._tiles) > 1:
            self._kept -= self._tiles.popitem(last=False)[1].nbytes
