"""Image files: every format and depth comes back as it was saved, and every damage is told in one line."""

import io
import math
import struct
import zlib
from pathlib import Path

import h5py
import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from saccade.core.errors import BadInput
from saccade.imaging import image_files
from saccade.imaging.image_files import as_image, is_image, load_image, load_mask

DICE = np.random.default_rng(0)
RGB = DICE.integers(0, 256, (7, 9, 3), dtype=np.uint8)
GREY = RGB[..., :1]
DEEP = DICE.integers(0, 2**16, (7, 9, 3), dtype=np.uint16)
FLOATS = DICE.normal(size=(7, 9, 5)).astype(np.float32)


def save_pillow(path: Path, values: np.ndarray, **options: object) -> None:
    Image.fromarray(values.squeeze()).save(path, **options)


def save_png16(path: Path, values: np.ndarray) -> None:
    path.write_bytes(imagecodecs.png_encode(values))


def save_planes(path: Path, values: np.ndarray) -> None:
    tifffile.imwrite(path, np.moveaxis(values, -1, 0), photometric="minisblack", planarconfig="separate")


LOSSLESS = {
    "png": ("a.png", RGB, save_pillow),
    "png grey": ("a.PNG", GREY, save_pillow),
    "png 16 grey": ("a.png", DEEP[..., :1], save_pillow),
    "png 16": ("a.png", DEEP, save_png16),
    "bmp": ("a.bmp", RGB, save_pillow),
    "bmp grey": ("a.bmp", GREY, save_pillow),
    "tiff": ("a.tif", RGB, lambda path, values: tifffile.imwrite(path, values)),
    "tiff lzw": ("a.tiff", RGB, lambda path, values: tifffile.imwrite(path, values, compression="lzw")),
    "tiff pillow": ("a.tif", RGB, save_pillow),
    "tiff 16": ("a.tif", DEEP, lambda path, values: tifffile.imwrite(path, values)),
    "tiff float": ("a.tif", FLOATS[..., :1], lambda path, values: tifffile.imwrite(path, values[..., 0])),
    "tiff many": ("a.tif", FLOATS, lambda path, values: tifffile.imwrite(path, values)),
    "tiff planes": ("a.tif", FLOATS, save_planes),
    "tiff two planes": ("a.tif", FLOATS[..., :2], save_planes),
    "tiff ome": (
        "a.ome.tif",
        FLOATS,
        lambda path, values: tifffile.imwrite(path, np.moveaxis(values, -1, 0), ome=True, metadata={"axes": "CYX"}),
    ),
    "npy": ("a.npy", RGB, np.save),
    "npy float": ("a.npy", FLOATS, np.save),
    "npy planes": ("a.npy", FLOATS, lambda path, values: np.save(path, np.moveaxis(values, -1, 0))),
    "npy grey": ("a.npy", GREY, lambda path, values: np.save(path, values[..., 0])),
}


@pytest.mark.parametrize("case", LOSSLESS)
def test_values_come_back(tmp_path: Path, case: str) -> None:
    name, values, save = LOSSLESS[case]
    save(tmp_path / name, values)
    loaded = load_image(tmp_path / name)
    assert loaded.dtype == values.dtype
    np.testing.assert_array_equal(loaded, values)


@pytest.mark.parametrize(
    "values",
    [RGB.astype(np.float64), RGB.astype(np.int64), RGB.astype(np.int16), RGB.astype(np.float16)],
    ids=lambda values: str(values.dtype),
)
def test_other_numbers_become_floats(values: np.ndarray) -> None:
    image = as_image(values)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, RGB)


def test_one_bit(tmp_path: Path) -> None:
    bits = GREY[..., 0] > 127
    Image.fromarray(bits).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", bits, photometric="minisblack")
    for name in ("a.png", "a.tif"):
        np.testing.assert_array_equal(load_image(tmp_path / name)[..., 0], bits * np.uint8(255))
        np.testing.assert_array_equal(load_mask(tmp_path / name), bits)


def test_jpeg_is_nearly_the_same(tmp_path: Path) -> None:
    smooth = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None, None] * 3, (64, 48, 3))
    save_pillow(tmp_path / "a.jpg", smooth, quality=95)
    assert np.abs(load_image(tmp_path / "a.jpg").astype(int) - smooth).max() <= 3


def test_cmyk_by_the_plain_formula(tmp_path: Path) -> None:
    ink = Image.fromarray(np.full((8, 8, 4), (0, 128, 255, 51), np.uint8), mode="CMYK")
    ink.save(tmp_path / "a.jpg", quality=100)
    ink.save(tmp_path / "a.tif")
    expected = np.array([204, 102, 0])  # 255 (1 - ink) (1 - 51 / 255)
    for name in ("a.jpg", "a.tif"):
        assert np.abs(load_image(tmp_path / name).astype(int) - expected).max() <= 2


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_transparency_over_white(tmp_path: Path, name: str, depth: int) -> None:
    full = 2**depth - 1
    values = np.array([[[full, 0, 0, full], [full, 0, 0, 0], [0, 0, 0, full // 3]]], dtype=f"uint{depth}")
    if name == "a.png":
        save_png16(tmp_path / name, values)
    else:
        tifffile.imwrite(tmp_path / name, values, photometric="rgb", extrasamples=["unassalpha"])
    expected = [[full, 0, 0], [full] * 3, [full - full // 3] * 3]
    np.testing.assert_array_equal(load_image(tmp_path / name)[0], expected)


def test_premultiplied_transparency(tmp_path: Path) -> None:
    values = np.array([[[50, 0, 0, 100]]], np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", extrasamples=["assocalpha"])
    assert load_image(tmp_path / "a.tif").ravel().tolist() == [205, 155, 155]


def test_palettes_are_looked_up(tmp_path: Path) -> None:
    Image.fromarray(RGB // 64 * 64).quantize(256).save(tmp_path / "a.png")
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), RGB // 64 * 64)
    colours = DICE.integers(0, 256, (3, 256), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", GREY[..., 0], photometric="palette", colormap=colours * 257)
    np.testing.assert_array_equal(load_image(tmp_path / "a.tif"), colours.T[GREY[..., 0]])


def test_white_as_zero_is_turned(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(load_image(tmp_path / "a.tif")[..., 0], 65535 - DEEP[..., 0])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_as_viewers_do(tmp_path: Path, orientation: int) -> None:
    tags = Image.Exif()
    tags[0x0112] = orientation
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=tags)
    turn = {
        1: lambda v: v,
        2: np.fliplr,
        3: lambda v: np.rot90(v, 2),
        4: np.flipud,
        5: lambda v: v.swapaxes(0, 1),
        6: lambda v: np.rot90(v, -1),
        7: lambda v: np.rot90(v, 2).swapaxes(0, 1),
        8: np.rot90,
    }[orientation]
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), turn(RGB))


def test_several_pages_of_depth_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", FLOATS, imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(BadInput, match=r"a\.tif: is a stack \(Z 7 x Y 9 x X 5\)\. Export one plane"):
        load_image(tmp_path / "a.tif")


def damaged(path: Path) -> str:
    """The one line that tells what is wrong with a file."""
    with pytest.raises(BadInput) as caught:
        load_image(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and caught.value.remedy and "\n" not in line
    return line


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("case", ["png", "png 16", "bmp", "tiff", "tiff lzw", "tiff pillow", "tiff planes", "npy"])
def test_truncated(tmp_path: Path, case: str, share: float) -> None:
    name, values, save = LOSSLESS[case]
    save(tmp_path / name, np.tile(values, (8, 8, 1)))
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * share)])
    damaged(tmp_path / name)


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_truncated_jpeg(tmp_path: Path, name: str) -> None:
    """Decoders of JPEG fill up what is missing in silence, also inside TIFF."""
    values = np.tile(RGB, (8, 8, 1))
    save_pillow(tmp_path / name, values, **({"compression": "jpeg"} if name == "a.tif" else {}))
    if name == "a.tif":
        tifffile.imwrite(tmp_path / name, values, compression="jpeg", photometric="ycbcr")
    data = (tmp_path / name).read_bytes()
    assert load_image(tmp_path / name).shape == values.shape
    (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
    damaged(tmp_path / name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.sampled_from(["png", "bmp", "tiff lzw", "tiff planes", "npy"]),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_flipped_bytes_never_crash(tmp_path: Path, case: str, changes: list[tuple[int, int]]) -> None:
    name, values, save = LOSSLESS[case]
    save(tmp_path / name, values)
    data = bytearray((tmp_path / name).read_bytes())
    for place, value in changes:
        data[place % len(data)] = value
    (tmp_path / name).write_bytes(data)
    try:
        assert load_image(tmp_path / name).ndim == 3
    except BadInput as error:
        assert str(error).startswith(str(tmp_path / name)) and "\n" not in str(error)


def test_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    np.save(tmp_path / "words.npy", np.array(["a"]))
    np.savez(tmp_path / "archive.npz", a=RGB)
    (tmp_path / "archive.npz").rename(tmp_path / "archive.npy")
    assert "file is empty" in damaged(tmp_path / "empty.png")
    assert "cannot be opened" in damaged(tmp_path / "folder.png")
    assert "no PNG, JPEG or BMP" in damaged(tmp_path / "text.jpg")
    assert "no such file" in damaged(tmp_path / "ghost.png")
    assert "Convert it to one of .bmp" in damaged(tmp_path / "a.gif")
    assert "damaged" in damaged(tmp_path / "objects.npy")
    assert "type <U1" in damaged(tmp_path / "words.npy")
    assert "archive" in damaged(tmp_path / "archive.npy")


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_000, 10_000, 20_000, 2_000_000])
def test_claims_above_the_limit(tmp_path: Path, side: int) -> None:
    (tmp_path / "bomb.png").write_bytes(png_of(side, side))
    assert "limit of 67,108,864" in damaged(tmp_path / "bomb.png")


def test_claims_above_the_limit_in_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "a.npy", FLOATS)
    tifffile.imwrite(tmp_path / "a.tif", FLOATS, compression="zlib")
    monkeypatch.setattr(image_files, "MAX_PIXELS", 20)
    for name in ("a.npy", "a.tif"):
        assert "above the limit" in damaged(tmp_path / name)


def claimed_npy(path: Path, *shape: int) -> Path:
    """An array of bytes that are all zero, and take no room on the disk."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + math.prod(shape))
    return path


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((8193, 8192), "8193 x 8192 pixels, above the limit of 67,108,864"),
        ((8193, 8193, 1), "8193 x 8193 x 1 pixels, above the limit of 67,108,864"),
        ((9400, 9400, 3), "9400 x 9400 x 3 pixels, above the limit of 67,108,864"),
        ((3, 9400, 9400), "3 x 9400 x 9400 pixels, above the limit of 67,108,864"),
        ((5, 8192, 8192), "5 x 8192 x 8192 values, above the limit of 268,435,456"),
    ],
)
def test_the_limit_is_on_height_and_width(tmp_path: Path, shape: tuple[int, ...], said: str) -> None:
    """Wherever the channels are, and of an array as of a TIFF."""
    assert f"claims {said}" in damaged(claimed_npy(tmp_path / "a.npy", *shape))
    assert image_files._above_limit(shape) == said


@pytest.mark.parametrize("shape", [(8192, 8192), (8192, 8192, 1), (8192, 8192, 4), (4, 8192, 8192), (2048, 2048, 64)])
def test_what_is_just_within_the_limit(shape: tuple[int, ...]) -> None:
    assert image_files._above_limit(shape) == ""


@pytest.mark.parametrize(("limit", "too_large"), [(12 * 17, False), (12 * 17 - 1, True)])
@pytest.mark.parametrize("shape", [(12, 17), (12, 17, 3), (3, 12, 17)])
def test_a_tiff_by_its_height_and_width(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], limit: int, too_large: bool
) -> None:
    planar = {"planarconfig": "separate"} if shape[0] == 3 else {}
    photometric = "rgb" if len(shape) == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", np.zeros(shape, np.uint8), photometric=photometric, **planar)
    monkeypatch.setattr(image_files, "MAX_PIXELS", limit)
    assert image_files.is_too_large_tiff(tmp_path / "a.tif") == too_large
    if not too_large:
        assert load_image(tmp_path / "a.tif").shape[:2] == (12, 17)


def test_a_claimed_terabyte_takes_no_memory(tmp_path: Path) -> None:
    header = io.BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)}
    np.lib.format.write_array_header_1_0(header, shape)
    (tmp_path / "a.npy").write_bytes(header.getvalue())
    damaged(tmp_path / "a.npy")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_values_that_are_no_numbers(tmp_path: Path, bad: float) -> None:
    values = np.zeros((4, 5))
    values[1, 2] = values[3, 3] = bad
    np.save(tmp_path / "a.npy", values)
    assert "2 of 20 values are NaN, infinite or beyond float32" in damaged(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("shape", "message"),
    [((0, 4), "no pixels"), ((4, 0, 3), "no pixels"), ((4,), "1 axes"), ((2, 4, 4, 3), "4 axes"), ((90, 90, 90), "90")],
)
def test_shapes_that_are_no_image(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(BadInput, match=f"row 3.*{message}"):
        as_image(np.zeros(shape, np.uint8), "row 3")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 1), (1, 1, 1)),
        ((1, 1, 3), (1, 1, 3)),
        ((3, 8, 9), (8, 9, 3)),
        ((8, 9, 3), (8, 9, 3)),
        ((1, 8, 9), (8, 9, 1)),
        ((8, 9, 12), (9, 12, 8)),
        ((12, 9, 8), (12, 9, 8)),
        ((2, 100, 3), (2, 100, 3)),
    ],
)
def test_where_the_channels_are(tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
    image = load_image(tmp_path / "a.npy")
    assert image.shape == expected
    assert as_image(image).shape == expected, "an image that was loaded is not turned again"


def test_named_axes_are_believed(tmp_path: Path) -> None:
    """Six channels of a strip 5 pixels high: their lengths alone would mislead."""
    strip = np.zeros((6, 5, 60), np.uint8)
    tifffile.imwrite(tmp_path / "a.ome.tif", strip, ome=True, metadata={"axes": "CYX"})
    assert load_image(tmp_path / "a.ome.tif").shape == (5, 60, 6)


def test_names() -> None:
    assert is_image("a/b.JPG") and not is_image("a/.b.jpg") and not is_image("b.txt") and not is_image("jpg")


@pytest.mark.real_data
def test_real_files(real_data: Path) -> None:
    cell = next((real_data / "pbc_cells" / "basophil").glob("*.jpg"))
    with Image.open(cell) as image:
        np.testing.assert_array_equal(load_image(cell), np.asarray(image))
    assert "damaged" in damaged(real_data / "slides" / "unopenable.tiff")


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 2}, {"subsampling": 0}, {"quality": 30}]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_what_pillow_decodes(tmp_path: Path, options: dict[str, object], channels: int) -> None:
    path = tmp_path / "a.jpg"
    smooth = np.cumsum(DICE.integers(-3, 4, (61, 83, 3)), axis=1).clip(0, 255).astype(np.uint8)
    Image.fromarray(smooth if channels == 3 else smooth[..., 0]).save(path, **options)
    found = load_image(path)
    assert (found == np.asarray(Image.open(path)).reshape(found.shape)).all()
    assert found.flags.writeable  # a field of its own then shares its memory


def test_a_jpeg_cut_off_is_told_however_much_is_left(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(DICE.integers(0, 256, (200, 300, 3), dtype=np.uint8)).save(buffer, "JPEG")
    whole = buffer.getvalue()
    for length in range(400, len(whole), len(whole) // 40):
        (tmp_path / "a.jpg").write_bytes(whole[:length])
        with pytest.raises(BadInput, match="damaged"):
            load_image(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes(whole + bytes(100))
    assert load_image(tmp_path / "a.jpg").shape == (200, 300, 3)


def event_table() -> np.ndarray:
    """Three events on a sensor of 2 x 4: two ON at one pixel, one OFF at another."""
    array = np.zeros(3, [("t", np.int64), ("p", np.int8), ("x", np.uint16), ("y", np.uint16)])
    array["t"], array["p"], array["x"], array["y"] = [0, 4, 9], [1, 0, 1], [3, 0, 3], [1, 0, 1]
    return array


def test_a_recording_of_events_is_an_image_of_two_channels(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", event_table())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["events"] = event_table()
    expected = np.zeros((2, 4, 2), np.float32)
    expected[1, 3, 1], expected[0, 0, 0] = 2, 1
    for name in ("a.npy", "a.h5"):
        assert is_image(name)
        image = load_image(tmp_path / name)
        assert image.dtype == np.float32
        np.testing.assert_array_equal(image, expected)


def test_features_are_no_image(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "slide.h5", "w") as file:
        file["features"] = np.zeros((4, 8), np.float32)
    with pytest.raises(BadInput, match="no recording of events.*Give datasets x, y, t, p"):
        load_image(tmp_path / "slide.h5")
