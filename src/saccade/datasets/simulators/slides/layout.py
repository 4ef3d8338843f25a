"""Drawing what lies on a simulated slide: pieces of tissue with nests of other kinds in them, in micrometres."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import cv2
import numpy as np

from saccade.core.errors import BadInput
from saccade.datasets.simulators.slides.description import PenStroke, Points, Region, SlideDescription

PENS = ((2.2, 0.9, 0.25), (0.5, 1.4, 1.6), (2.3, 2.0, 1.6))
"""Absorbance of blue, red and black felt pens."""

_STEP = 14.0  # µm between corners of an outline
_STEPS = 1000  # of the coarse map along the longer side
_LEAST = 40.0  # µm of radius: a nest of less is a handful of cells


@dataclass(frozen=True)
class Nest:
    """Regions of one kind inside another: radii and their number per square millimetre of their host."""

    kind: str
    radius: tuple[float, float]
    density: float
    rough: float
    host: str = "stroma"


NESTS = (
    Nest("tumour", (300, 1100), 0.35, 0.3),
    Nest("glands", (250, 700), 0.3, 0.25),
    Nest("fat", (200, 800), 0.2, 0.3),
    Nest("lymphocytes", (80, 260), 1.0, 0.15),
    Nest("necrosis", (90, 350), 1.2, 0.25, host="tumour"),
)


def draw_slide(
    seed: int,
    width: float = 10_000,
    height: float = 10_000,
    *,
    tissue: float = 0.45,
    pieces: int = 2,
    pen: bool = False,
    nests: tuple[Nest, ...] = NESTS,
    certain: Collection[str] = (),
) -> SlideDescription:
    """Draw a slide of a resected tumour: stroma with nests of the other kinds, none overlapping.

    Cost: well below a second for a centimetre.

    >>> slide = draw_slide(0, 4000, 3000)
    >>> slide.regions[0].kind, len(slide.regions) > 3
    ('stroma', True)

    Args:
        seed: Of everything on the slide.
        width: In micrometres.
        height: In micrometres.
        tissue: About how much of the slide is tissue, 0.05 to 0.7.
        pieces: Of tissue, side by side along the longer side.
        pen: Whether somebody drew around a piece with a felt pen.
        nests: What lies in the stroma, in order of drawing; where there is no room there are fewer.
        certain: Kinds of nests of which there is at least one, smaller than others where there is no room.

    Raises:
        BadInput: A number is out of range, or what is certain has no room at all.
    """
    if not 0.05 <= tissue <= 0.7 or pieces < 1 or min(width, height) <= 0:
        message = f"{pieces} pieces of tissue over {tissue} of {width}×{height} µm make no slide"
        raise BadInput(message, "let tissue be 0.05 to 0.7 and the rest positive")
    rng = np.random.default_rng([41, seed])
    drawn = _Drawing(width, height, rng)
    for middle, radii in _seats(width, height, tissue, pieces, rng):
        drawn.add_piece("stroma", _outline(rng, middle, radii, 0.16))
    for nest in nests:
        drawn.add_nests(nest)
        if nest.kind in certain:
            drawn.make_sure_of(nest)
    strokes = (_stroke(drawn.outlines[0], rng),) if pen else ()
    return SlideDescription(width, height, drawn.regions(), strokes, seed)


def _seats(
    width: float, height: float, tissue: float, pieces: int, rng: np.random.Generator
) -> list[tuple[Points, Points]]:
    """Middles and radii (1, 2) of the pieces: they share the longer side."""
    cell = np.array([width / pieces, height]) if width >= height else np.array([width, height / pieces])
    seats = []
    for number in range(pieces):
        corner = np.array([number * cell[0], 0]) if width >= height else np.array([0, number * cell[1]])
        radii = cell / 2 * np.sqrt(tissue * 4 / np.pi) * rng.uniform(0.92, 1.08, 2)
        radii = np.minimum(radii, 0.8 * cell / 2)
        seats.append(((corner + cell / 2 + rng.uniform(-0.03, 0.03, 2) * cell)[None], radii[None]))
    return seats


def _outline(rng: np.random.Generator, middle: Points, radii: Points, rough: float) -> Points:
    """A closed rough curve around a middle: an ellipse whose radius wavers at every scale from its own to 20 µm."""
    count = max(int(2 * np.pi * float(radii.mean()) / _STEP), 24)
    angles = np.arange(count) * 2 * np.pi / count
    waves = np.arange(2, max(count // 5, 4))
    spectrum = rng.normal(0, 1, len(waves)) * waves**-1.2 * rough
    waver = np.cos(angles[:, None] * waves + rng.uniform(0, 2 * np.pi, len(waves))) @ spectrum
    turn = rng.uniform(0, np.pi) if radii[0, 0] == radii[0, 1] else 0.0
    radius = np.exp(np.clip(waver, -0.7, 0.22))[:, None]
    return middle + radii * radius * np.stack([np.cos(angles + turn), np.sin(angles + turn)], 1)


class _Drawing:
    """Regions so far, and a coarse map of which region lies where."""

    def __init__(self, width: float, height: float, rng: np.random.Generator) -> None:
        self.step = max(width, height) / _STEPS
        self.rng = rng
        self.map = np.full((int(np.ceil(height / self.step)) + 1, int(np.ceil(width / self.step)) + 1), -1, np.int32)
        self.kinds, self.outlines, self.holes = list[str](), list[Points](), list[list[Points]]()

    def add_piece(self, kind: str, outline: Points) -> None:
        self._add(kind, outline)

    def add_nests(self, nest: Nest) -> None:
        """Try to place as many nests as the host's area asks for."""
        hosts = np.isin(self.map, [n for n, kind in enumerate(self.kinds) if kind == nest.host])
        wanted = max(round(float(hosts.sum()) * self.step**2 * 1e-6 * nest.density), 1 if hosts.any() else 0)
        for _ in range(wanted):
            self._try(nest)

    def make_sure_of(self, nest: Nest) -> None:
        """Place a smaller nest, as large as will do, where there was no room for a single one."""
        while nest.kind not in self.kinds:
            nest = replace(nest, radius=(nest.radius[0] / 2, nest.radius[0]))
            if nest.radius[0] < _LEAST:
                side = _STEPS * self.step
                raise BadInput(f"a slide of {side:.0f} µm has no room for {nest.kind}", "let it be 1,000 µm or wider")
            self._try(nest)

    def _try(self, nest: Nest, tries: int = 30) -> None:
        hosts = np.isin(self.map, [n for n, kind in enumerate(self.kinds) if kind == nest.host])
        rows, columns = np.nonzero(hosts)
        if not len(rows):
            return
        radius = self.rng.uniform(*nest.radius)
        for _ in range(tries):
            chosen = int(self.rng.integers(len(rows)))
            middle = (np.array([[columns[chosen], rows[chosen]]]) + self.rng.random((1, 2))) * self.step
            host = int(self.map[rows[chosen], columns[chosen]])
            outline = _outline(self.rng, middle, np.full((1, 2), radius), nest.rough)
            if self._fits(outline, host):
                self.holes[host].append(outline)
                self._add(nest.kind, outline)
                return
            radius = max(0.88 * radius, float(nest.radius[0]))

    def _fits(self, outline: Points, host: int) -> bool:
        mask = self._filled(outline, rim=2 + int(20 / self.step))
        return mask is not None and bool((self.map[mask] == host).all())

    def _add(self, kind: str, outline: Points) -> None:
        mask = self._filled(outline, rim=1)
        if mask is not None:
            self.map[mask] = len(self.kinds)
        self.kinds.append(kind)
        self.outlines.append(outline)
        self.holes.append([])

    def _filled(self, outline: Points, rim: int) -> np.ndarray | None:
        """The map's pixels inside an outline and on its rim; None where it leaves the map."""
        points = outline / self.step
        if points.min() < rim or (points.max(0) > np.array(self.map.shape[::-1]) - 1 - rim).any():
            return None
        mask = np.zeros(self.map.shape, np.uint8)
        corners = [np.rint(points * 16).astype(np.int32)]
        cv2.fillPoly(mask, corners, 1, shift=4)
        cv2.polylines(mask, corners, True, 1, 2 * rim + 1, cv2.LINE_8, 4)
        return mask > 0

    def regions(self) -> tuple[Region, ...]:
        return tuple(
            Region(kind, outline, tuple(holes))
            for kind, outline, holes in zip(self.kinds, self.outlines, self.holes, strict=True)
        )


def _stroke(outline: Points, rng: np.random.Generator) -> PenStroke:
    """A stroke drawn by hand around part of a piece."""
    middle = outline.mean(0)
    start, count = int(rng.integers(len(outline))), max(len(outline) // 3, 8)
    part = outline[(start + np.arange(0, count, max(count // 40, 1))) % len(outline)]
    sway = np.cumsum(rng.normal(0, 0.004, (len(part), 1)), 0)
    line = middle + (part - middle) * (1.1 + sway)
    return PenStroke(
        line, float(rng.uniform(0.02, 0.045) * min(np.ptp(outline, axis=0))), PENS[int(rng.integers(len(PENS)))]
    )
