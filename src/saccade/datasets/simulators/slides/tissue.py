"""How much of each dye lies where in one chunk of tissue."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float

from saccade.datasets.simulators.slides.frames import CHUNK, COARSE, Frame
from saccade.datasets.simulators.slides.randomness import Scatter, scatter
from saccade.datasets.simulators.slides.stamps import GLAND, TURNS, Stamp, glands, nuclei, press
from saccade.datasets.simulators.slides.textures import SIDE, Texture, fibres, grain, membranes

Plane = Float[np.ndarray, "side side"]
Amounts = Float[np.ndarray, "side side 2"]
CoarsePlane = Float[np.ndarray, "coarse coarse"]
Coarse = Float[np.ndarray, "coarse coarse 2"]


@dataclass(frozen=True)
class Sowing:
    """Nuclei of one look in one kind of tissue: lattice spacing in µm, share of it that is filled, its jitter."""

    nucleus: str
    spacing: float
    share: float
    jitter: float = 0.85


SOWN: dict[str, tuple[Sowing, ...]] = {
    "stroma": (Sowing("spindle", 15.0, 0.5), Sowing("lymphocyte", 24.0, 0.12)),
    "glands": (Sowing("spindle", 14.0, 0.5), Sowing("lymphocyte", 20.0, 0.2)),
    "lymphocytes": (Sowing("lymphocyte", 7.3, 0.94, 0.7),),
    "tumour": (Sowing("tumour", 11.5, 0.95, 0.75), Sowing("lymphocyte", 32.0, 0.15)),
    "necrosis": (Sowing("debris", 6.5, 0.4), Sowing("lymphocyte", 40.0, 0.2)),
    "fat": (),
}


@dataclass(frozen=True, eq=False)
class Fields:
    """What changes slowly, on the coarse map.

    Attributes:
        drift: (side, side, 2) how far, in µm, textures are moved: a little, and differently everywhere.
        sweep: The same for fibres, which run in long curves.
        near: Noise over tens of micrometres.
        wide: Noise over hundreds.
    """

    drift: Coarse
    sweep: Coarse
    near: CoarsePlane
    wide: CoarsePlane

    @classmethod
    def of(cls, frame: Frame, seed: int) -> "Fields":
        """The fields of a chunk."""
        drift = np.stack([11 * frame.noise(seed, salt, 60.0) for salt in (4, 5)], -1)
        sweep = drift + np.stack([150 * frame.noise(seed, salt, 400.0) for salt in (1, 2)], -1)
        return cls(drift, sweep, frame.noise(seed, 6, 60.0), frame.noise(seed, 3, 400.0))


def dye_amounts(frame: Frame, seed: int) -> Amounts:
    """Amounts of haematoxylin and eosin in a chunk. Cost: O(pixels × kinds present) + O(nuclei)."""
    fields = Fields.of(frame, seed)
    near = frame.fine(fields.near)
    amounts = np.zeros((CHUNK, CHUNK, 2), np.float32)
    for kind, mask in frame.masks.items():
        cover = frame.fine(mask)
        if cover.any():
            base = _base(kind, frame, fields, near)
            amounts += base if cover.min() == 255 else base * (cover[..., None] * np.float32(1 / 255))
    for kind in frame.masks:
        for sowing in SOWN[kind]:
            _sow(amounts, frame, fields, kind, sowing, seed)
        if kind == "glands":
            _press_glands(amounts, frame, seed)
    thickness = frame.fine(1 + 0.1 * np.clip(fields.wide, -1.5, 1.5).astype(np.float32))
    amounts *= thickness[..., None]
    return np.asarray(cv2.GaussianBlur(amounts, (0, 0), max(0.13 / frame.mpp, 0.3)), np.float32)


def _look_up(texture: Texture, frame: Frame, moved: Coarse, spread: float = 1.0) -> Plane:
    """A texture at every base pixel of a chunk, moved by coarse distances; `spread` makes it coarser."""
    step, fine = frame.mpp * spread, frame.fine(moved.astype(np.float32))
    # less whole textures, so that OpenCV's 16-bit places hold them
    columns, rows = (
        (fine[..., axis] / step + ((np.arange(CHUNK) + 0.5 + start % (2 * SIDE)) / spread).reshape(shape))
        for axis, start, shape in ((0, frame.x, (1, -1)), (1, frame.y, (-1, 1)))
    )
    maps = columns.astype(np.float32), rows.astype(np.float32)
    return np.asarray(cv2.remap(texture, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


def _base(kind: str, frame: Frame, fields: Fields, near: Plane) -> Amounts:
    """Amounts of both dyes between the nuclei."""
    mpp = frame.mpp
    if kind == "fat":
        walls = _look_up(membranes(mpp), frame, fields.drift, 2.0)
        return cv2.merge([0.04 * walls, 0.01 + 0.42 * walls])
    if kind in ("stroma", "glands"):
        strands = _look_up(fibres(mpp), frame, fields.sweep)
        loose = np.clip((strands - 0.06 + 0.05 * near) / 0.2, 0.12, 1)  # between bundles light comes through
        return cv2.merge([0.05 * loose, loose * (0.24 + 0.42 * strands)])
    grains = _look_up(grain(mpp), frame, fields.drift)
    if kind == "necrosis":
        return cv2.merge([np.maximum(0.09 + 0.03 * grains, 0), np.maximum(0.55 + 0.12 * grains + 0.07 * near, 0)])
    haematoxylin, eosin = (0.2, 0.36) if kind == "tumour" else (0.15, 0.2)
    return cv2.merge([haematoxylin + 0.035 * grains, np.maximum(eosin + 0.07 * grains + 0.04 * near, 0)])


def _sow(amounts: Amounts, frame: Frame, fields: Fields, kind: str, sowing: Sowing, seed: int) -> None:
    """Press the nuclei of a chunk."""
    x0, y0, x1, y1 = frame.window
    salt = 100 + 10 * sum(kind.encode()) + sum(sowing.nucleus.encode())
    points = scatter(seed, salt, sowing.spacing, (x0 - 13, y0 - 13, x1 + 13, y1 + 13), sowing.jitter)
    density = sowing.share * (1 + 0.25 * np.clip(frame.at(fields.near, points.x, points.y), -1.5, 1.5))
    chosen = (points.chance < density) & (frame.at(frame.masks[kind], points.x, points.y) > 127)
    library = nuclei(sowing.nucleus, frame.mpp)
    numbers = (points.choice * len(library)).astype(int)
    if sowing.nucleus == "spindle":
        numbers = _along_fibres(frame, fields, points, numbers, len(library))
    _press_all(amounts, frame, points, chosen, numbers, library)


def _along_fibres(frame: Frame, fields: Fields, points: Scatter, numbers: np.ndarray, count: int) -> np.ndarray:
    """Of the long nuclei those that lie along the fibres, whose rows do not change."""
    step = 2 * COARSE * frame.mpp
    moved = fields.sweep[..., 1]
    across = frame.at(moved, points.x + step, points.y) - frame.at(moved, points.x - step, points.y)
    down = frame.at(moved, points.x, points.y + step) - frame.at(moved, points.x, points.y - step) + 2 * step
    turns = np.rint(np.arctan2(-across, down) / np.pi * TURNS).astype(int) % TURNS
    return turns + numbers // TURNS * TURNS


def _press_glands(amounts: Amounts, frame: Frame, seed: int) -> None:
    """Press every gland that lies wholly in its region and reaches into the chunk."""
    (x0, y0, x1, y1), reach = frame.window, GLAND[1] + 4
    points = scatter(seed, 99, 104.0, (x0 - reach, y0 - reach, x1 + reach, y1 + reach), 0.5)
    mask = frame.masks["glands"]
    inside = frame.at(mask, points.x, points.y) > 127
    for angle in np.arange(8) * np.pi / 4:
        rim = points.x + GLAND[1] * np.cos(angle), points.y + GLAND[1] * np.sin(angle)
        inside &= frame.at(mask, *rim) > 127
    library = glands(frame.mpp)
    numbers = (points.choice * len(library)).astype(int)
    _press_all(amounts, frame, points, inside & (points.chance < 0.95), numbers, library)


def _press_all(
    amounts: Amounts, frame: Frame, points: Scatter, chosen: np.ndarray, numbers: np.ndarray, library: tuple[Stamp, ...]
) -> None:
    columns = np.floor(points.x[chosen] / frame.mpp).astype(int) - frame.x
    rows = np.floor(points.y[chosen] / frame.mpp).astype(int) - frame.y
    for x, y, number in zip(columns.tolist(), rows.tolist(), numbers[chosen].tolist(), strict=True):
        press(amounts, library[number], x, y)
