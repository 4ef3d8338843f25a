"""What is in a tiled file, and every way it may be unusable, each told in one line."""

import struct
from pathlib import Path
from types import SimpleNamespace

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.imaging import tiled_files
from saccade.imaging.tiled_files import TiledFile, stated_mpp

RGB = np.random.default_rng(0).integers(0, 256, (100, 150, 3), dtype=np.uint8)


def refused(path: Path) -> str:
    """The one line that tells what is wrong with a file, found when it is opened or when its tiles are."""
    with pytest.raises(BadInput) as caught:
        every_tile(TiledFile(path))
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and caught.value.remedy and "\n" not in line
    return line


def every_tile(file: TiledFile) -> list[np.ndarray]:
    return [file.tile(level, number) for level in file.levels for number in range(len(level.offsets))]


def save(path: Path, image: np.ndarray = RGB, **options: object) -> Path:
    tifffile.imwrite(path, image, **{"photometric": "rgb", "tile": (64, 64), **options})
    return path


def test_levels_and_tiles(tmp_path: Path) -> None:
    file = TiledFile(save(tmp_path / "a.tif", compression="zlib"))
    (level,) = file.levels
    assert (file.height, file.width, file.channels, file.dtype) == (100, 150, 3, np.uint8)
    assert (level.step, level.tile, level.across, len(level.offsets)) == (1, (64, 64), 3, 6)
    assert np.array_equal(file.tile(level, 1), RGB[:64, 64:128])
    assert np.array_equal(file.tile(level, 5)[:36, :22], RGB[64:, 128:])


def test_the_file_is_not_held_open(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", compression="jpeg", photometric="ycbcr")
    file = TiledFile(path)
    whole = every_tile(file)
    path.rename(tmp_path / "b.tif")
    with pytest.raises(BadInput, match="no such file"):
        file.tile(file.levels[0], 0)
    assert np.array_equal(whole[0], tifffile.imread(tmp_path / "b.tif")[:64, :64])


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_byte_orders(tmp_path: Path, kind: str, order: str) -> None:
    values = RGB.astype(kind) * (257 if kind == "uint16" else 1)
    file = TiledFile(save(tmp_path / "a.tif", values, byteorder=order, compression="zlib", predictor=True))
    assert file.dtype == np.dtype(kind)
    assert np.array_equal(file.tile(file.levels[0], 0), values[:64, :64])


def test_tiles_that_were_never_stored_are_black(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tiles = iter([RGB[:64, :64], None, None, None])
    tifffile.imwrite(path, tiles, shape=(128, 128, 3), dtype=np.uint8, tile=(64, 64), photometric="rgb")
    first, *others = every_tile(TiledFile(path))
    assert np.array_equal(first, RGB[:64, :64]) and not any(tile.any() for tile in others)


def test_pages_of_other_shapes_are_no_levels(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        options = {"photometric": "rgb", "tile": (16, 16), "metadata": None}
        writer.write(RGB, **options)
        for height, width in ((50, 75), (25, 37), (60, 33)):
            writer.write(np.zeros((height, width, 3), np.uint8), subfiletype=1, **options)
    assert [level.step for level in TiledFile(path).levels] == [1, 2, 4]


@pytest.mark.parametrize(
    ("size", "step"), [((50, 75), 2), ((4, 5), 32), ((3, 5), 32), ((33, 50), 3), ((60, 33), None), ((99, 149), None)]
)
def test_steps_of_levels(size: tuple[int, int], step: int | None) -> None:
    """Of small pages a power of two is believed, where 33 would fit as well."""
    page, base = (SimpleNamespace(imagelength=height, imagewidth=width) for height, width in (size, (100, 150)))
    assert tiled_files._step(page, base) == step


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("compression", [None, "zlib", "jpeg"])
def test_truncated(tmp_path: Path, compression: str | None, share: float) -> None:
    path = save(tmp_path / "a.tif", compression=compression)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "damaged or not a TIFF" in refused(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.sampled_from([None, "zlib", "lzw", "jpeg"]),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_flipped_bytes_never_crash(tmp_path: Path, compression: str | None, changes: list[tuple[int, int]]) -> None:
    path = save(tmp_path / "a.tif", RGB[:70, :70], compression=compression)
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[place % len(data)] = value
    path.write_bytes(data)
    try:
        assert all(tile.dtype in (np.uint8, np.uint16) for tile in every_tile(TiledFile(path)))
    except BadInput as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)


def test_what_is_not_there_or_not_a_tiff(tmp_path: Path) -> None:
    (tmp_path / "empty.tif").touch()
    (tmp_path / "folder.tif").mkdir()
    (tmp_path / "text.tif").write_text("hello")
    assert "no such file" in refused(tmp_path / "ghost.tif")
    assert "the file is empty" in refused(tmp_path / "empty.tif")
    assert "cannot be opened" in refused(tmp_path / "folder.tif")
    assert "damaged or not a TIFF" in refused(tmp_path / "text.tif")


def test_kinds_that_are_not_known(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    assert "holds float32 values" in refused(save(path, RGB.astype(np.float32)))
    alpha = np.concatenate([RGB, RGB[..., :1]], axis=2)
    assert "holds 4 channels of RGB" in refused(save(path, alpha, extrasamples=["unassalpha"]))
    assert "planes apart" in refused(save(path, np.moveaxis(RGB, -1, 0), planarconfig="separate"))
    assert "channels of MINISWHITE" in refused(save(path, RGB[..., 0], photometric="miniswhite"))
    assert "compressed by WEBP" in refused(save(path, compression="webp"))
    colours = np.zeros((3, 256), np.uint16)
    assert "channels of PALETTE" in refused(save(path, RGB[..., 0], photometric="palette", colormap=colours))


def test_stacks(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    stack = np.stack([RGB[..., 0]] * 4)
    save(path, stack, photometric="minisblack", ome=True, metadata={"axes": "ZYX"})
    assert "is a stack (Z 4). Export one plane per file" in refused(path)
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for plane in stack:
            writer.write(plane, tile=(64, 64), photometric="minisblack", metadata=None)
    assert "is a stack (I 4)" in refused(path)


def patched(path: Path, code: int, value: int) -> None:
    """Write another number into a tag of the first page."""
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages[0].tags[code].overwrite(value)


def test_an_unknown_compression(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", compression="zlib")
    patched(path, 259, 4711)
    assert "is compressed by 4711, which this reader does not unpack" in refused(path)


@pytest.mark.parametrize(("code", "name"), [(257, "ImageLength"), (256, "ImageWidth")])
def test_a_size_without_its_tiles(tmp_path: Path, code: int, name: str) -> None:
    """A file of kilobytes that claims a terabyte has not the tiles for it."""
    path = save(tmp_path / "a.tif", compression="zlib")
    patched(path, code, 60_000)
    assert "tiles are announced, 6 are listed" in refused(path), name


def test_tiles_above_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.tif", compression="zlib")
    patched(path, 322, 65_520)
    patched(path, 323, 65_520)
    assert "has tiles of 65520 x 65520 pixels, above the limit of 16,777,216" in refused(path)
    monkeypatch.setattr(tiled_files, "MAX_TILE_PIXELS", 50 * 150)
    assert "has strips of 100 x 150 pixels" in refused(save(path, tile=None, rowsperstrip=100))


def test_a_jpeg_larger_than_its_tile(tmp_path: Path) -> None:
    """A kilobyte of JPEG may claim 65,500 x 65,500 pixels, which a decoder would fill."""
    small = imagecodecs.jpeg_encode(RGB[:64, :64], level=90)
    frame = small.index(b"\xff\xc0") + 5
    bomb = small[:frame] + struct.pack(">HH", 65_500, 65_500) + small[frame + 4 :]
    path = tmp_path / "a.tif"
    for tile, harmless in ((small, True), (bomb, False)):
        tifffile.imwrite(
            path, iter([tile]), shape=(64, 64, 3), dtype=np.uint8, tile=(64, 64), photometric="rgb", compression="jpeg"
        )
        if harmless:
            assert every_tile(TiledFile(path))[0].shape == (64, 64, 3)
        else:
            assert "a tile of 64 x 64 pixels holds a JPEG of 65500 x 65500" in refused(path)


def test_a_deflated_tile_that_holds_more_than_it_should(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    bomb = imagecodecs.zlib_encode(bytes(2**26))
    tifffile.imwrite(
        path, iter([bomb]), shape=(64, 64, 3), dtype=np.uint8, tile=(64, 64), photometric="rgb", compression="zlib"
    )
    try:
        assert every_tile(TiledFile(path))[0].shape == (64, 64, 3)
    except BadInput as error:
        assert "damaged" in str(error)


@pytest.mark.parametrize(
    ("options", "mpp"),
    [
        ({"resolution": (40_000, 40_000), "resolutionunit": "CENTIMETER"}, 0.25),
        ({"resolution": (50_800, 50_800), "resolutionunit": "INCH"}, 0.5),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
        ({"resolution": (40_000, 20_000), "resolutionunit": "CENTIMETER"}, None),
        ({"resolution": (4, 4), "resolutionunit": "NONE"}, None),
        ({}, None),
        ({"ome": True, "metadata": {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}}, 0.5),
        (
            {
                "ome": True,
                "metadata": {
                    "axes": "YXS",
                    "PhysicalSizeX": 230,
                    "PhysicalSizeXUnit": "nm",
                    "PhysicalSizeY": 230,
                    "PhysicalSizeYUnit": "nm",
                },
            },
            0.23,
        ),
        ({"ome": True, "metadata": {"axes": "YXS"}}, None),
    ],
    ids=str,
)
def test_stated_micrometres(tmp_path: Path, options: dict[str, object], mpp: float | None) -> None:
    path = save(tmp_path / "a.tif", **options)
    assert TiledFile(path).mpp == stated_mpp(path) == (None if mpp is None else pytest.approx(mpp))


def test_what_states_no_micrometres(tmp_path: Path) -> None:
    """A file of another kind, a damaged one, and none at all: whoever opens the pixels tells."""
    (tmp_path / "damaged.tif").write_bytes(b"II*\0")
    assert [stated_mpp(tmp_path / name) for name in ("a.png", "damaged.tif", "nowhere.tif")] == [None] * 3


def test_ome_written_by_others() -> None:
    text = '<OME><Image><OME:Pixels PhysicalSizeX="0.25" SizeX="9" PhysicalSizeY="250" PhysicalSizeYUnit="nm"/>'
    assert tiled_files._ome_mpp(text) == pytest.approx((0.25, 0.25))
    assert tiled_files._ome_mpp('<Pixels PhysicalSizeX="a few" PhysicalSizeY="1">') is None
    assert tiled_files._ome_mpp("<OME/>") is None
