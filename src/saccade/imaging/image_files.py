"""Image files in, arrays out: (height, width, channel) in the values the file holds.

- PNG, JPEG, BMP, TIFF and NPY; uint8 and uint16 stay as they are, 1-bit images become 0 and 255, every other
  number becomes float32. TIFF and NPY may hold any number of channels, first or last: where a TIFF does not name its
  axes, a last axis above 4 behind a shorter first one says that the channels come first.
- Transparency is laid over white and dropped. Palettes are looked up. CMYK becomes RGB by the plain formula
  (1 - ink)(1 - black), without a colour profile.
- The orientation that a camera notes in a JPEG or PNG is applied, as viewers do, so pixels count from the corner
  one sees; TIFF's orientation is not, as in ImageJ and QuPath.
- Of a file with several pictures the first is taken; a stack over depth or time is refused.
- A recording of events (NPY or HDF5 with x, y, t and p) becomes one image of two channels, the counts of the whole
  recording (``events.bin_events``): one recording per cell is an image like any other.
- Images above ``MAX_PIXELS`` are refused before they are unpacked: a small file can claim terabytes. Models of fields
  read TIFF files above that tile by tile instead (``opening.open_field``).
"""

import logging
from collections.abc import Callable
from math import prod
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from jaxtyping import Bool, Shaped
from PIL import Image, ImageOps, UnidentifiedImageError

from saccade.core.errors import BadInput
from saccade.imaging.event_files import HDF5_SUFFIXES, events_of, is_structured, load_events
from saccade.imaging.events import bin_events
from saccade.imaging.file_faults import COPY_AGAIN, told_in_one_line

Array = Shaped[np.ndarray, "height width channel"]

PLAIN_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".npy"})
SUFFIXES = PLAIN_SUFFIXES | frozenset(HDF5_SUFFIXES)
"""With HDF5, in which only recordings of events are taken for images; features of slides have the same suffix."""
TIFF_SUFFIXES = (".tif", ".tiff")
MAX_PIXELS = 2**26
"""Most pixels an image file may have, 8192 x 8192; larger ones are slides, not cells or fields.

Of all channels together, it may have four times as many values: more channels make the image smaller.
"""
MAX_CHANNELS = 64

# tifffile logs each oddity of a damaged file; unless someone listens, the one line of BadInput is enough
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_TOO_LARGE = "cut it into smaller images; a model of fields predicts it whole from a tiled TIFF"
_TIFF_COLOURS = {"MINISBLACK", "MINISWHITE", "RGB", "PALETTE", "SEPARATED", "YCBCR"}


def is_image(path: Path | str) -> bool:
    """Whether the name says that the file is an image that can be loaded; hidden files never are."""
    path = Path(path)
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def load_image(path: Path | str) -> Array:
    """Load an image file as (height, width, channel) in uint8, uint16 or float32.

    >>> load_image("images/second.bmp").shape
    (48, 48, 3)

    Raises:
        BadInput: Naming the file: it is missing, empty, truncated, of an unknown kind or too large, or holds values
            that are not finite.
    """
    path = Path(path)
    source = str(path)
    loader = _LOADERS.get(path.suffix.lower())
    if loader is None:
        kinds = " ".join(sorted(SUFFIXES))
        raise BadInput("is not a kind of image file that can be loaded", f"convert it to one of {kinds}", source)
    with told_in_one_line(path):
        array = loader(path)
    return as_image(array, source)


def is_too_large_tiff(path: Path | str) -> bool:
    """Whether a TIFF claims more pixels than ``load_image`` unpacks; its header alone is read.

    What cannot be opened is not: ``load_image`` says why.
    """
    path = Path(path)
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return False
    try:
        with tifffile.TiffFile(path) as tiff:
            return bool(_above_limit(tiff.series[0].shape))
    except Exception:  # as in load_image
        return False


def load_mask(path: Path | str) -> Bool[np.ndarray, "height width"]:
    """Load a mask: true where any channel is not zero."""
    return (load_image(path) != 0).max(axis=2)


def as_image(array: np.ndarray, source: str = "the array") -> Array:
    """Bring an array of height x width, or height x width x channel, into the form ``load_image`` returns.

    Raises:
        BadInput: Naming ``source``: it has other axes, no pixels, or values that are no finite numbers.
    """
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    if array.dtype.kind not in "uif":
        raise BadInput(f"holds values of type {array.dtype}", "store numbers: 8- or 16-bit integers or floats", source)
    if array.ndim not in (2, 3):
        shape = " x ".join(map(str, array.shape))
        raise BadInput(f"has {array.ndim} axes ({shape})", "store one image of height x width x channel", source)
    if array.size == 0:
        raise BadInput("has no pixels", COPY_AGAIN, source)
    array = array if array.ndim == 3 else array[..., None]
    if array.shape[2] > MAX_CHANNELS:
        message = f"has {array.shape[2]} channels, more than {MAX_CHANNELS}"
        raise BadInput(message, "store one image of height x width x channel", source)
    if array.dtype not in (np.uint8, np.uint16):
        array = _finite_floats(array, source)
    return np.ascontiguousarray(array)


def _finite_floats(array: np.ndarray, source: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        floats = array.astype(np.float32, copy=False)
    bad = int(floats.size - np.isfinite(floats).sum())
    if bad:
        message = f"{bad} of {floats.size} values are NaN, infinite or beyond float32"
        raise BadInput(message, "replace or mask them before saving", source)
    return floats


def _channels_last(array: np.ndarray) -> np.ndarray:
    """Turn an array whose axes nobody named, where their lengths say that its channels come first."""
    first_is_channel = array.ndim == 3 and array.shape[2] > 4 and array.shape[0] < array.shape[2]
    return np.moveaxis(array, 0, -1) if first_is_channel else array


def _check_extent(shape: tuple[int, ...]) -> None:
    """Refuse an image by the size its header claims, before any memory is taken for it."""
    if excess := _above_limit(shape):
        raise BadInput(f"claims {excess}", _TOO_LARGE)


def _above_limit(shape: tuple[int, ...]) -> str:
    """What an image has too much of, pixels or values; nothing where it may be unpacked.

    Its height and width are the two longest axes: channels may come first or last, and are fewer than either in every
    image that is near the limit.
    """
    extent = " x ".join(map(str, shape))
    if prod(sorted(shape)[-2:]) > MAX_PIXELS:
        return f"{extent} pixels, above the limit of {MAX_PIXELS:,}"
    return f"{extent} values, above the limit of {4 * MAX_PIXELS:,}" if prod(shape) > 4 * MAX_PIXELS else ""


def _load_pillow(path: Path) -> np.ndarray:
    """PNG, JPEG and BMP."""
    try:
        opened = Image.open(path, formats=("PNG", "JPEG", "BMP"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadInput(f"claims more pixels than the limit of {MAX_PIXELS:,}", _TOO_LARGE) from error
    except UnidentifiedImageError:
        raise BadInput("holds no PNG, JPEG or BMP image", COPY_AGAIN) from None
    with opened as image:
        _check_extent(image.size)
        upright = image.getexif().get(0x0112, 1) == 1  # the tag "orientation"
        if (
            image.format == "JPEG"
            and image.mode in ("L", "RGB")
            and upright
            and _is_whole_jpeg(data := path.read_bytes())
        ):
            return imagecodecs.jpeg8_decode(data)  # the same decoder, without Pillow's two copies of the pixels
        image.load()
        if not upright:
            image = ImageOps.exif_transpose(image)
        if image.format == "PNG" and _is_deep_colour(path):
            values = imagecodecs.png_decode(path.read_bytes())
            return values if values.shape[-1] == 3 else _drop_alpha(values)
        return _pillow_values(image)


def _is_whole_jpeg(data: bytes) -> bool:
    """Whether a JPEG has its end, padding aside: of one that was cut off, ``imagecodecs`` makes up the rest in grey."""
    return data.rstrip(b"\0").endswith(b"\xff\xd9")


def _pillow_values(image: Image.Image) -> np.ndarray:
    """The values of a Pillow image, grey or RGB."""
    if image.has_transparency_data:
        mode = "LA" if image.mode in ("L", "LA") else "RGBA"
        return _drop_alpha(np.asarray(image.convert(mode)))
    if image.mode == "1":
        return np.asarray(image.convert("L"))
    if image.mode in ("L", "RGB"):
        return np.asarray(image)
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode in ("I", "F"):
        return np.asarray(image)
    return np.asarray(image.convert("RGB"))


def _is_deep_colour(path: Path) -> bool:
    """Whether a PNG holds 16 bits per colour, which Pillow would cut to 8."""
    with path.open("rb") as file:
        head = file.read(26)
    return head[24] == 16 and head[25] != 0  # the header's bit depth, and its colour type other than grey


def _drop_alpha(values: np.ndarray, premultiplied: bool = False) -> np.ndarray:
    """Lay the image over white by its last channel, and drop that channel."""
    white = np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1.0
    colours, alpha = values[..., :-1].astype(np.float64), values[..., -1:] / white
    mixed = (colours if premultiplied else colours * alpha) + white * (1 - alpha)
    return (np.rint(mixed) if values.dtype.kind == "u" else mixed).clip(0, white).astype(values.dtype)


def _load_tiff(path: Path) -> np.ndarray:
    with tifffile.TiffFile(path) as tiff:
        series = tiff.series[0]
        page = series.keyframe
        _check_extent(series.shape)
        _check_complete(tiff, series)
        colours = getattr(page.photometric, "name", "MINISBLACK")
        jpeg = "JPEG" in getattr(page.compression, "name", "")
        if colours not in _TIFF_COLOURS or (colours == "YCBCR" and not jpeg):
            raise BadInput(f"holds {colours} colours", "convert it to RGB or grey values")
        array = _spatial(series.asarray(), series.axes)
        if colours == "PALETTE" and page.colormap is not None:
            return (np.moveaxis(page.colormap, 0, -1)[array] >> 8).astype(np.uint8)
        if colours == "MINISWHITE" and array.dtype.kind == "u":
            return np.iinfo(array.dtype).max - array
        if colours == "SEPARATED" and array.shape[-1] == 4 and array.dtype.kind == "u":
            full = np.iinfo(array.dtype).max
            light = (full - array.astype(np.float64)) / full
            return np.rint(light[..., :3] * light[..., 3:] * full).astype(array.dtype)
        alpha = [int(extra) for extra in page.extrasamples]
        if colours == "RGB" and alpha in ([1], [2]) and array.shape[-1] == 4:
            return _drop_alpha(array, premultiplied=alpha == [1])
        return array


def _check_complete(tiff: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> None:
    """Refuse a file that ends before its pixels do; some decoders would fill the rest up in silence."""
    size = tiff.filehandle.size
    for page in series.pages:
        if page is None:
            raise ValueError("a page is missing")
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            if offset + count > size:
                raise ValueError(f"it ends at byte {size}, its pixels at {offset + count}")


def _spatial(array: np.ndarray, axes: str) -> np.ndarray:
    """Bring the axes a TIFF names to height, width and, where there are any, channels last."""
    kept = [(axis, length) for axis, length in zip(axes, array.shape, strict=True) if length > 1 or axis in "YX"]
    array = array.reshape([length for _, length in kept])
    names = "".join(axis for axis, _ in kept)
    if len(names) > 3 or any(axis in "ZT" for axis in names):
        extent = " x ".join(f"{axis} {length}" for axis, length in kept)
        raise BadInput(f"is a stack ({extent})", "export one plane per file")
    if len(names) == 3 and names[0] in "SC":
        return np.moveaxis(array, 0, -1)
    return array if names[0] == "Y" else _channels_last(array)


def _load_npy(path: Path) -> np.ndarray:
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(mapped, np.ndarray):
        raise BadInput("is an archive of arrays, not one array", "save each image by numpy.save")
    if is_structured(mapped):
        return bin_events(events_of(mapped))
    _check_extent(mapped.shape)
    return _channels_last(np.array(mapped))


def _load_hdf5(path: Path) -> np.ndarray:
    return bin_events(load_events(path))


_LOADERS: dict[str, Callable[[Path], np.ndarray]] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp"), _load_pillow),
    **dict.fromkeys(TIFF_SUFFIXES, _load_tiff),
    ".npy": _load_npy,
    **dict.fromkeys(HDF5_SUFFIXES, _load_hdf5),
}
