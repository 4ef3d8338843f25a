"""Proxies: brightfield images turned into images that are like another modality's, and called proxies everywhere.

A proxy tests whether a model copes with another kind of image: one channel of small numbers, or two of sparse counts.
It is neither a measurement nor a simulation of an instrument: stain makes these values, where a phase microscope or an
event camera would see an unstained cell.

- OPD-like: optical density summed over the channels, above that of the background, times ``NANOMETRES``: what absorbs
  stands in for what delays.
- Event-like: the logarithm of the image's light moves across a simulated sensor of at most ``LONGEST`` pixels a side,
  which counts its steps.

The cases and the files of a proxy set begin with ``proxy-opd-`` or ``proxy-events-``; by them whatever comes later can
tell.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile
from jaxtyping import Float32

from saccade.core.errors import BadInput, Problem
from saccade.core.files import atomic_path, write_bytes, write_csv
from saccade.core.manifest import Manifest, Row
from saccade.datasets.simulators.event_camera import EventCamera, moved, record_events
from saccade.datasets.sources import PROXIES, each_image, origin_of
from saccade.imaging.events import bin_events
from saccade.imaging.image_files import Array

NANOMETRES = 60.0  # per unit of optical density summed over red, green and blue: a stained nucleus comes to about 100
DARKEST = 0.02  # of full light: what is taken for black, so that the noise of dark pixels makes no events
PATH = 1 / 16  # of the image's width, how far it moves while it is recorded
LONGEST = 128  # pixels of the sensor along the image's longer side: few of an event camera's fall on a cell
DURATION = 1000.0  # µs that this takes
COLUMNS = ("path", "label", "case_id", "split", "mpp", "mask_path")


@dataclass(frozen=True)
class ProxySet:
    """What was written: the manifest, what its images are called and how many there are; what was skipped, and why."""

    manifest: Path
    word: str
    count: int
    problems: tuple[Problem, ...]


def opd_like(image: Array) -> Float32[np.ndarray, "height width 1"]:
    """An OPD-like proxy of a brightfield image, in what stands in for nanometres.

    The lighter half of the pixels is taken for background, and a plane through their density is taken away.

    >>> opd_like(np.full((8, 8, 3), 200, np.uint8)).max().round(3)
    np.float32(0.0)

    Raises:
        BadInput: The image is not one of light: of floats, or of other than one or three channels.
    """
    density = -np.log10(_light(image)).sum(2) * (3 / image.shape[2])
    height, width = density.shape
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    plane = np.stack([np.ones_like(rows), rows, columns], axis=-1)
    light = density <= np.median(density)
    weights = np.linalg.lstsq(plane[light], density[light], rcond=None)[0]
    return (NANOMETRES * (density - plane @ weights))[..., None].astype(np.float32)


def event_like(image: Array, rng: np.random.Generator) -> Float32[np.ndarray, "rows columns 2"]:
    """An event-like proxy of a brightfield image: counts of OFF and ON while it moves to the right across a sensor.

    The sensor has a pixel for each of the image's, or fewer, ``LONGEST`` along the longer side.

    Args:
        image: In brightfield.
        rng: Source of the sensor's noise.

    Raises:
        BadInput: The image is not one of light: of floats, or of other than one or three channels.
    """
    light = _light(image).mean(2)
    factor = LONGEST / max(light.shape)
    if factor < 1:
        height, width = (max(1, round(side * factor)) for side in light.shape)
        light = cv2.resize(light, (width, height), interpolation=cv2.INTER_AREA)
    return bin_events(record_events(moved(light, PATH * light.shape[1]), DURATION, EventCamera(), rng))


def check_modality(modality: str) -> None:
    """Refuse what there is no proxy of.

    Raises:
        BadInput: Naming those there are.
    """
    if modality not in PROXIES:
        raise BadInput(f"there is no proxy of {modality!r}", f"choose one of {', '.join(PROXIES)}")


def write_proxy(
    manifest: Manifest,
    modality: str,
    out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ProxySet:
    """Write a proxy of every image of a set, and ``manifest.csv`` with their labels, splits and cases.

    OPD-like images are float32 TIFF, event-like ones float32 NPY, such as ``images/proxy-opd-00001_x.tif``; masks are
    copied. Each file is whole or not there. An image's noise depends on the name of the one it was made from alone.

    Args:
        manifest: The brightfield images.
        modality: ``opd`` or ``events``.
        out: The folder to write into.
        progress: Told how many of how many images are done.

    Raises:
        BadInput: The modality is unknown, the set is a proxy already, or no image could be used.
    """
    check_modality(modality)
    if any(proxy.word in origin_of(manifest) for proxy in PROXIES.values()):
        raise BadInput("is a set of proxies", "give the brightfield images they were made from", str(manifest.source))
    done: dict[int, tuple[str, ...]] = {}

    def make(index: int, image: Array) -> None:
        row = manifest.rows[index]
        name = f"{PROXIES[modality].prefix}{index + 1:05d}_{Path(row.member or row.name).stem}"
        if modality == "opd":
            path, values = f"images/{name}.tif", opd_like(image)
            with atomic_path(out / path) as temporary:
                tifffile.imwrite(temporary, values[..., 0], metadata={"proxy": PROXIES[modality].word})
        else:
            path, values = f"images/{name}.npy", event_like(image, _generator(row))
            with atomic_path(out / path) as temporary:
                np.save(temporary, values)
        told = _told(row, modality, coarser=image.shape[1] / values.shape[1])
        done[index] = (path, *told, _copied_mask(row, out, name))

    problems = each_image(manifest.rows, make, progress)
    if not done:
        raise BadInput(f"none of the {len(manifest)} images could be used; the first: {problems[0]}")
    write_csv(out / "manifest.csv", COLUMNS, [done[index] for index in sorted(done)])
    return ProxySet(out / "manifest.csv", PROXIES[modality].word, len(done), tuple(problems))


def _generator(row: Row) -> np.random.Generator:
    """A generator that depends on the image's name alone."""
    return np.random.default_rng(zlib.crc32(f"{row.name}/{row.member}".encode()))


def _told(row: Row, modality: str, coarser: float) -> tuple[str, ...]:
    """Label, case and split as before, µm per pixel of the proxy; an image of no known case is a case of its own."""
    mpp = "" if row.mpp is None else f"{row.mpp * coarser:.6g}"
    return row.label, f"{PROXIES[modality].prefix}{row.case}", row.split, mpp


def _copied_mask(row: Row, out: Path, name: str) -> str:
    """Copy an image's mask and return its new name; empty where it has none."""
    if row.mask_path is None:
        return ""
    path = f"masks/{name}{row.mask_path.suffix}"
    write_bytes(out / path, row.mask_path.read_bytes())
    return path


def _light(image: Array) -> np.ndarray:
    """Share of full light at each pixel and channel, float64, above zero; what is darker counts as ``DARKEST``."""
    if image.dtype.kind != "u" or image.shape[2] not in (1, 3):
        message = f"holds {image.dtype} values in {image.shape[2]} channels, no brightfield image"
        raise BadInput(message, "give 8- or 16-bit images, grey or RGB")
    light = image.astype(np.float64) / np.iinfo(image.dtype).max
    return np.maximum(cv2.GaussianBlur(light, (0, 0), 0.5).reshape(image.shape), DARKEST)
