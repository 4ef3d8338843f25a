"""A tiled file against the same pixels in memory, by every way they are asked for."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.imaging import tile_cache, tiled
from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.rasters import Rasters
from saccade.imaging.tiled import TiledImage
from saccade.imaging.tiled_files import TiledFile
from tests.imaging.miniature_pictures import as_they_are

RGB = np.random.default_rng(0).integers(0, 256, (331, 450, 3), dtype=np.uint8)
DEEP = np.random.default_rng(1).integers(0, 2**16, (120, 90, 1), dtype=np.uint16)


def opened(path: Path) -> TiledImage:
    return TiledImage(TiledFile(path), as_they_are)


def in_memory(image: np.ndarray) -> Rasters:
    return Rasters(PixelStore.of([image]), as_they_are)


def save(path: Path, image: np.ndarray, **options: object) -> Path:
    photometric = "rgb" if image.shape[2] == 3 else "minisblack"
    tifffile.imwrite(path, image if image.shape[2] == 3 else image[..., 0], photometric=photometric, **options)
    return path


@pytest.mark.parametrize("image", [RGB, DEEP, RGB[..., :1]], ids=["rgb", "deep", "grey"])
@pytest.mark.parametrize(
    "options",
    [
        {"tile": (64, 64)},
        {"tile": (32, 80), "compression": "zlib", "predictor": True},
        {"tile": (128, 128), "compression": "lzw"},
        {"rowsperstrip": 7, "compression": "zlib"},
        {"rowsperstrip": 1},
    ],
    ids=str,
)
def test_pixels_are_those_in_memory(tmp_path: Path, image: np.ndarray, options: dict[str, object]) -> None:
    file, memory = opened(save(tmp_path / "a.tif", image, **options)), in_memory(image)
    assert isinstance(file, Images) and len(file) == 1 and file.channels == image.shape[2]
    assert file.extents.equal(memory.extents)
    for factor in (1, 4, 5, 7, 1000):
        assert torch.allclose(file.overview(factor), memory.overview(factor))
        assert file.inside(factor).equal(memory.inside(factor))
    boxes = torch.tensor([[[-9, -5, 11, 15], [37, 50, 57, 70], [440, 320, 460, 340], [-3000, 5000, -2980, 5020]]])
    assert file.read(boxes, 20).equal(memory.read(boxes, 20))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    tile=st.tuples(st.sampled_from([16, 32, 48]), st.sampled_from([16, 32, 48])),
    factor=st.integers(1, 12),
    halo=st.integers(0, 5),
    limits=st.tuples(st.integers(1, 60), st.integers(1, 5000)),
)
def test_blocks_are_rows_of_the_overview(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    height: int,
    width: int,
    tile: tuple[int, int],
    factor: int,
    halo: int,
    limits: tuple[int, int],
) -> None:
    """However small blocks and regions are made, and whatever lies across their edges."""
    monkeypatch.setattr(tiled, "_BLOCK_CELLS", limits[0])
    monkeypatch.setattr(tiled, "_REGION_PIXELS", limits[1])
    image = RGB[:height, :width]
    file, memory = opened(save(tmp_path / "a.tif", image, tile=tile)), in_memory(image)
    whole, rows = memory.overview(factor), 0
    for block in file.overview_blocks(factor, halo):
        assert block.start == rows and block.total == whole.shape[2]
        assert block.above == min(halo, block.start)
        below = min(halo, block.total - block.start - block.rows)
        shown = whole[:, :, block.start - block.above : block.start + block.rows + below]
        assert block.values.equal(shown)
        rows += block.rows
    assert rows == whole.shape[2]
    assert torch.equal(file.cost().pixels_looked, memory.cost().pixels_looked)


def test_an_overview_as_a_whole_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = opened(save(tmp_path / "a.tif", RGB, tile=(64, 64)))
    monkeypatch.setattr(tiled, "MAX_OVERVIEW_CELLS", 67 * 90)
    assert file.overview(5).shape == (1, 3, 67, 90)
    with pytest.raises(BadInput, match=r"a\.tif: its overview at 1/4 has 83 x 113 cells.*attention-sampling"):
        file.overview(4)
    assert sum(block.rows for block in file.overview_blocks(4, 4)) == 83


def test_decoded_is_what_was_unpacked(tmp_path: Path) -> None:
    file = opened(save(tmp_path / "a.tif", RGB, tile=(64, 64), compression="zlib"))
    assert file.cost().pixels_decoded.tolist() == [0] and file.cost().pixels_total.tolist() == [331 * 450]
    file.read(torch.tensor([[[0, 0, 20, 20], [30, 30, 50, 50]]]), 20)
    assert file.cost().pixels_decoded.tolist() == [64 * 64], "two boxes in one tile"
    file.read(torch.tensor([[[54, 54, 74, 74]]]), 20)
    assert file.cost().pixels_decoded.tolist() == [4 * 64 * 64], "three tiles more, the first is kept"
    assert file.cost().pixels_read.tolist() == [1200] and file.cost().reads.tolist() == [3]
    fresh = file.metered()
    fresh.overview(5)
    assert fresh.cost().pixels_decoded.tolist() == [6 * 8 * 64 * 64], "every tile once, with what lies beyond the edge"
    assert fresh.cost().pixels_looked.tolist() == [67 * 90] and file.cost().pixels_looked.tolist() == [0]


def test_tiles_make_room_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_cache, "CACHE_BYTES", 2 * 64 * 64 * 3)
    file = opened(save(tmp_path / "a.tif", RGB, tile=(64, 64)))
    boxes = [torch.tensor([[[64 * at, 0, 64 * at + 20, 20]]]) for at in (0, 1, 0, 2, 0, 1)]
    for box in boxes:
        file.read(box, 20)
    assert file.cost().pixels_decoded.tolist() == [4 * 64 * 64], "0, 1 and 2 once, 1 again after 2 took its place"


def halved(image: np.ndarray, times: int, up: bool) -> np.ndarray:
    """A level of a pyramid, sides rounded up or down."""
    step = 2**times
    height, width = (-(-length // step) if up else length // step for length in image.shape[:2])
    padded = np.pad(image, ((0, step), (0, step), (0, 0)), mode="edge")[: height * step, : width * step]
    return padded.reshape(height, step, width, step, 3).mean((1, 3)).round().astype(np.uint8)


def save_pyramid(path: Path, image: np.ndarray, sub: bool = True, up: bool = True, levels: int = 3) -> Path:
    with tifffile.TiffWriter(path) as writer:
        options = {"tile": (64, 64), "photometric": "rgb", "compression": "zlib"}
        writer.write(image, subifds=levels if sub else None, metadata=None, **options)
        for level in range(1, levels + 1):
            writer.write(halved(image, level, up), subfiletype=1, metadata=None, **options)
    return path


SMOOTH = cv2.normalize(cv2.GaussianBlur(RGB.astype(np.float32), (0, 0), 12), None, 0, 255, cv2.NORM_MINMAX)  # type: ignore
SMOOTH = SMOOTH.astype(np.uint8)
"""Changes by some steps from pixel to pixel: a level that lay one pixel off would be seen."""


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
@pytest.mark.parametrize("sub", [True, False], ids=["subifds", "pages"])
@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5, 6, 8, 13, 16, 100])
def test_a_pyramid_gives_nearly_the_same_for_less(tmp_path: Path, factor: int, sub: bool, up: bool) -> None:
    file = opened(save_pyramid(tmp_path / "a.tif", SMOOTH, sub, up))
    assert [level.step for level in file.file.levels] == [1, 2, 4, 8]
    found, exact = file.overview(factor), in_memory(SMOOTH).overview(factor)
    assert found.shape == exact.shape
    # the last cells are left out: a level's last pixels hold what its maker put beyond the edge, or nothing
    off = (found - exact)[:, :, : max(1, found.shape[2] - 1), : max(1, found.shape[3] - 1)].abs()
    divides = factor in (1, 2, 4, 8, 16, 100)  # else cells end within pixels of the level; a shift by 1 gives 2
    assert off.mean() < (0.5 if divides else 1.4) and off.max() <= (1 if divides else 7)
    step = max(step for step in (1, 2, 4, 8) if step <= factor)
    assert file.cost().pixels_decoded.item() < 2.2 * 331 * 450 / step**2 + 6 * 64 * 64
    blocks = torch.cat(
        [b.values[:, :, b.above : b.above + b.rows] for b in file.metered().overview_blocks(factor, 4)], dim=2
    )
    assert blocks.equal(found)
    boxes = torch.tensor([[[100, 200, 130, 230]]])
    assert file.read(boxes, 30).equal(in_memory(SMOOTH).read(boxes, 30)), "patches come from the base"


def test_jpeg_is_unpacked_as_tifffile_does(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, SMOOTH, photometric="ycbcr", tile=(64, 64), compression="jpeg", compressionargs={"level": 95}
    )
    file = opened(path)
    assert np.array_equal(file.overview(1)[0].permute(1, 2, 0).numpy(), tifffile.imread(path))
    assert file.overview(5).equal(in_memory(tifffile.imread(path)).overview(5))


def test_a_field_smaller_than_a_patch_is_mirrored(tmp_path: Path) -> None:
    image = RGB[:20, :30]
    boxes = torch.tensor([[[-15, -25, 45, 35]]])
    file = opened(save(tmp_path / "a.tif", image, tile=(64, 64)))
    assert file.read(boxes, 60).equal(in_memory(image).read(boxes, 60))


def test_requests_that_make_no_sense(tmp_path: Path) -> None:
    file = opened(save(tmp_path / "a.tif", RGB, tile=(64, 64)))
    with pytest.raises(BadInput, match="2 × 2"):
        file.read(torch.tensor([[[0, 0, 3, 2]]]), 2)
    with pytest.raises(BadInput, match="boxes of 2 images"):
        file.read(torch.zeros(2, 1, 4, dtype=torch.long), 0)
    for request in (file.overview, file.inside, lambda factor: list(file.overview_blocks(factor))):
        with pytest.raises(BadInput, match="below one"):
            request(0)


@pytest.mark.parametrize(
    ("tile", "ratio"), [(256, Fraction(5)), (240, Fraction(5)), (256, Fraction(5, 4)), (7, Fraction(1))]
)
def test_regions_end_where_tiles_do(tile: int, ratio: Fraction) -> None:
    cells = tiled._cells_along(tile, ratio, 10**9)
    assert (cells * ratio) % tile == 0
    assert not any((fewer * ratio) % tile == 0 for fewer in range(1, cells))
    assert tiled._cells_along(tile, ratio, 10) * ratio <= max(tile, ratio)


def save_huge(path: Path, side: int, tile: int, needle: tuple[int, int]) -> None:
    """A slide of one grey JPEG tile, repeated, but for a bright one at a row and column of tiles."""
    dull, bright = (imagecodecs.jpeg_encode(np.full((tile, tile, 3), value, np.uint8), level=90) for value in (90, 250))
    across = -(-side // tile)
    tiles = (bright if divmod(at, across) == needle else dull for at in range(across * across))
    tifffile.imwrite(
        path, tiles, shape=(side, side, 3), dtype=np.uint8, tile=(tile, tile), photometric="rgb", compression="jpeg"
    )


CHILD = """
import json, sys
import torch
from saccade.evaluation.memory_probe import release, start, status_bytes
from saccade.imaging.tiled import TiledFile, TiledImage
from saccade.models.parts.field_look import FieldLook, log_probabilities_in_place, map_of_blocks
from saccade.ops.sampling import draw_distinct_sites, spread_sites_by_log
from tests.models.miniature_fields import seek_light

torch.set_num_threads(1)
look = FieldLook().eval()
seek_light(look)
with torch.no_grad():
    look(torch.zeros(1, 3, 64, 64))
release()
base, resettable = start()
image = TiledImage(TiledFile(sys.argv[1]), lambda values: values / 255)
scores = map_of_blocks(look, image.overview_blocks(5, look.reach))
columns = scores.shape[2]
log_p = log_probabilities_in_place(scores)
index = spread_sites_by_log(log_p, 20)
distinct = draw_distinct_sites(log_p, 20, torch.Generator().manual_seed(0))
middles = torch.stack([index % columns, index // columns], -1) * 5 + 2
patches = image.read(torch.cat([middles - 25, middles + 25], -1), 50)
cost = image.cost()
print(json.dumps({
    "extra": status_bytes("VmHWM") - base if resettable else None,
    "middles": middles[0].tolist(),
    "bright": patches.amax((0, 2, 3, 4)).tolist(),
    "distinct": distinct[0].unique().numel(),
    "looked": cost.pixels_looked.item(),
    "decoded": cost.pixels_decoded.item(),
}))
"""


def seen_by_a_child(path: Path) -> dict:
    """What a process of its own makes of a slide, and the most memory that took above its imports."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", CHILD, str(path)]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout.splitlines()[-1])


def check_needle(found: dict, side: int, tile: int, needle: tuple[int, int]) -> None:
    corner = (needle[1] * tile, needle[0] * tile)
    assert all(
        corner[axis] - 5 <= middle[axis] < corner[axis] + tile + 5 for middle in found["middles"] for axis in (0, 1)
    )
    assert min(found["bright"]) > 0.9 and found["distinct"] == 20
    assert found["looked"] == (side / 5) ** 2 and found["decoded"] >= side**2


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's account of the process")
def test_a_needle_in_a_small_slide(tmp_path: Path) -> None:
    """The slow test below, in miniature: the same steps, without its question of memory."""
    save_huge(tmp_path / "a.tif", 1600, 64, (9, 14))
    check_needle(seen_by_a_child(tmp_path / "a.tif"), 1600, 64, (9, 14))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's account of the process")
def test_a_slide_of_forty_thousand_takes_less_than_a_gigabyte(tmp_path: Path) -> None:
    """1.6 thousand million pixels, 64 million cells; as one picture 4.8 GB, its overview as numbers 0.77 GB."""
    save_huge(tmp_path / "a.tif", 40_000, 256, (100, 37))
    found = seen_by_a_child(tmp_path / "a.tif")
    check_needle(found, 40_000, 256, (100, 37))
    print(f"memory above the imports: {found['extra']}")  # shown by pytest -rP
    if found["extra"] is None:
        pytest.skip("this kernel does not let a process forget its peak")
    assert found["extra"] < 2**30
