"""Simulated event camera: an unstained cell flows past, and each pixel tells when its light has changed by a step.

A pixel keeps the logarithm of its light at its last event. Whenever the present logarithm is a threshold above or below
that, it gives an event, ON or OFF, and keeps the new level (Lichtsteiner, Posch and Delbruck 2008). Thresholds differ
from pixel to pixel, and every pixel gives a few events of its own. Not simulated: refractory time, limited bandwidth,
slow drift.

Without stain a cell hardly absorbs. A little out of focus its curved surface bends light: by the equation of the
transport of intensity, I = 1 − z ∇²OPD with z the defocus, so rims and granules become bright and dark.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np

from saccade.datasets.simulators.cell_description import CellDescription, layers
from saccade.datasets.simulators.phase import optical_path
from saccade.datasets.simulators.thickness import FloatArray, Frame, finer_grid
from saccade.imaging.events import Events

ABSORPTION = 0.01  # per µm of cell: without stain almost nothing but haemoglobin absorbs
DEFOCUS = (2.0, 4.0)  # µm; cells flow at different heights, all on one side of the focus
BLUR = 0.3  # µm; coarser than in phase microscopy: less aperture, for more depth in the channel
SPEED = 2.0  # µm per millisecond; a slow microfluidic channel
PATH = 1.5  # µm that the cell moves while it is recorded
STEP = 0.25  # pixels between two moments at which the light is computed; linear in between


@dataclass(frozen=True)
class EventCamera:
    """A sensor.

    Attributes:
        threshold: Change of the natural logarithm of light that makes an event; 0.1 to 0.3 in cameras today.
        mismatch: Its standard deviation between pixels, for ON and OFF each.
        background: Events of each pixel in a second without any change.
    """

    threshold: float = 0.13
    mismatch: float = 0.02
    background: float = 5.0

    @property
    def quiet(self) -> "EventCamera":
        """The same sensor without mismatch and without events of its own."""
        return replace(self, mismatch=0.0, background=0.0)


def film_cell(
    description: CellDescription,
    frame: Frame,
    rng: np.random.Generator,
    camera: EventCamera | None = None,
    path: float = PATH,
) -> Events:
    """Simulate the events of a cell that flows from left to right; it is in its place at half time.

    Args:
        description: The cell.
        frame: The sensor's pixels, and the cell's place among them.
        rng: Source of randomness.
        camera: The sensor; of the usual kind where not given.
        path: Micrometres that it moves to the right; below 0 to the left.

    Returns:
        Events in microseconds.
    """
    fine, finer = finer_grid(frame)
    light = unstained_light(description, fine, float(rng.uniform(*DEFOCUS)))
    moments = moved(light, path / fine.mpp, finer)
    return record_events(moments, 1000 * abs(path) / SPEED, camera or EventCamera(), rng)


def passed_over(cell: np.ndarray, mpp: float, path: float = PATH) -> np.ndarray:
    """Where a cell was at any moment of its recording: its mask, (height, width) bool, widened along the flow."""
    reach = round(abs(path) / 2 / mpp)
    return cv2.dilate(cell.astype(np.uint8), np.ones((1, 2 * reach + 1), np.uint8)) > 0


def unstained_light(description: CellDescription, frame: Frame, defocus: float) -> FloatArray:
    """Intensity behind an unstained cell that is out of focus by so many micrometres; 1 is empty, (size, size)."""
    parts = layers(description, frame)
    path = cv2.GaussianBlur(optical_path(parts) / 1000, (0, 0), max(BLUR / frame.mpp, 0.3))
    bent = 1 - defocus * cv2.Laplacian(path, cv2.CV_32F) / frame.mpp**2
    return np.clip(bent, 0.4, 2.5) * np.exp(-ABSORPTION * parts.cell)


def moved(light: FloatArray, pixels: float, finer: int = 1) -> list[FloatArray]:
    """The logarithm of light at equal moments while a picture moves by so many of its pixels to the right.

    It moves by fractions of a pixel, linearly between neighbours, and is in its own place at half time; what comes in
    at the sides repeats the rim.

    Args:
        light: Intensity, above zero.
        pixels: How far it moves; below 0 to the left.
        finer: So many of its pixels, along each axis, are one of the camera's.

    Returns:
        Natural logarithms on the camera's pixels, at least two.
    """
    height, width = light.shape
    steps = max(1, int(np.ceil(abs(pixels) / finer / STEP)))
    moments = []
    for shift in np.linspace(-pixels / 2, pixels / 2, steps + 1):
        places = np.clip(np.arange(width) - shift, 0, width - 1)
        left = places.astype(np.int64)
        part = places - left
        there = light[:, left] * (1 - part) + light[:, np.minimum(left + 1, width - 1)] * part
        there = there.reshape(height // finer, finer, width // finer, finer).mean((1, 3))
        moments.append(np.log(there))
    return moments


def record_events(
    moments: Iterable[FloatArray], microseconds: float, camera: EventCamera, rng: np.random.Generator
) -> Events:
    """Events of a sensor that sees these logarithms of light, linear in time from each moment to the next.

    Cost: O(moments × pixels + events).

    Args:
        moments: Natural logarithm of light, each (height, width), at equal distances in time.
        microseconds: From the first to the last.
        camera: The sensor.
        rng: Source of randomness.
    """
    lights = [np.asarray(light, np.float64) for light in moments]
    height, width = lights[0].shape
    step = microseconds / max(1, len(lights) - 1)
    found = [*_crossings(lights, step, camera, rng), _background(height, width, microseconds, camera, rng)]
    x, y, t, p = (np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.argsort(t, kind="stable")
    columns = x[order].astype(np.uint16), y[order].astype(np.uint16), t[order].astype(np.int64)
    return Events(*columns, p[order].astype(np.uint8), height, width)


def _crossings(
    lights: Sequence[FloatArray], step: float, camera: EventCamera, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, ...]]:
    """Columns x, y, t and p of the events between each moment and the next, ON and OFF apart."""
    level = lights[0].copy()
    # a threshold near zero would fire without end; no sensor has pixels below a third of what is set
    up, down = (
        np.maximum(camera.threshold + camera.mismatch * rng.standard_normal(level.shape), camera.threshold / 3)
        for _ in range(2)
    )
    for number, (before, after) in enumerate(pairwise(lights)):
        for polarity, sign, threshold in ((1, 1, up), (0, -1, down)):
            count = np.maximum(sign * (after - level) / threshold, 0).astype(np.int64)
            y, x = np.nonzero(count)
            times = count[y, x]
            which = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times) + 1  # 1, 2, … at each pixel
            y, x = np.repeat(y, times), np.repeat(x, times)
            crossed = level[y, x] + sign * which * threshold[y, x]
            fraction = np.clip((crossed - before[y, x]) / (after[y, x] - before[y, x]), 0, 1)
            yield x, y, (number + fraction) * step, np.full(len(x), polarity)
            level += sign * count * threshold


def _background(
    height: int, width: int, microseconds: float, camera: EventCamera, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Columns x, y, t and p of the events that no light made."""
    count = rng.poisson(camera.background * microseconds / 1e6 * height * width)
    times = rng.uniform(0, microseconds, count)
    return rng.integers(0, width, count), rng.integers(0, height, count), times, rng.integers(0, 2, count)
