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
    """What changes slowly, on the coarse map: the distorted place (u, v) in µm, and noise of two widths."""

    u: Plane
    v: Plane
    near: Plane
    wide: Plane

    @classmethod
    def of(cls, frame: Frame, seed: int) -> "Fields":
        """The fields of a chunk."""
        wide = [frame.noise(seed, salt, 420.0) for salt in (1, 2, 3)]
        near = [frame.noise(seed, salt, 60.0) for salt in (4, 5, 6)]
        return cls(
            frame.xs[None] + 190 * wide[0] + 12 * near[0],
            frame.ys[:, None] + 190 * wide[1] + 12 * near[1],
            near[2],
            wide[2],
        )


def dye_amounts(frame: Frame, seed: int) -> Amounts:
    """Amounts of haematoxylin and eosin in a chunk. Cost: O(pixels × kinds present) + O(nuclei)."""
    fields = Fields.of(frame, seed)
    u, v, near, wide = np.moveaxis(frame.fine(np.stack([fields.u - frame.xs.mean(), fields.v - frame.ys.mean(),
                                                        fields.near, fields.wide], -1).astype(np.float32)), -1, 0)  # fmt: skip
    places = (
        u + np.float32(_wrapped(frame.xs.mean(), frame.mpp)),
        v + np.float32(_wrapped(frame.ys.mean(), frame.mpp)),
    )
    amounts = np.zeros((CHUNK, CHUNK, 2), np.float32)
    for kind, mask in frame.masks.items():
        cover = frame.fine(mask).astype(np.float32) / 255
        if cover.any():
            amounts += cover[..., None] * _base(kind, places, near, frame.mpp)
    for number, kind in enumerate(frame.masks):
        for sowing in SOWN[kind]:
            _sow(amounts, frame, fields, kind, sowing, seed)
        if kind == "glands":
            _press_glands(amounts, frame, seed)
    amounts *= (1 + 0.1 * np.clip(wide, -1.5, 1.5))[..., None]  # the section is thicker here and thinner there
    return np.asarray(cv2.GaussianBlur(amounts, (0, 0), max(0.13 / frame.mpp, 0.3)), np.float32)


def _wrapped(place: float, mpp: float) -> float:
    """A place in µm less whole textures, so that float32 and OpenCV's 16-bit maps hold it."""
    return place % (2 * SIDE * mpp)


def _look_up(texture: Texture, places: tuple[Plane, Plane], mpp: float, spread: float = 1.0) -> Plane:
    columns, rows = (np.ascontiguousarray(place / np.float32(mpp * spread)) for place in places)
    return np.asarray(cv2.remap(texture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


def _base(kind: str, places: tuple[Plane, Plane], near: Plane, mpp: float) -> Amounts:
    """Amounts of both dyes between the nuclei."""
    if kind == "fat":
        walls = _look_up(membranes(mpp), places, mpp, 2.0)
        return np.stack([0.05 * walls, 0.015 + 0.5 * walls], -1)
    grains = _look_up(grain(mpp), places, mpp)
    if kind in ("tumour", "lymphocytes"):
        haematoxylin, eosin = (0.17, 0.34) if kind == "tumour" else (0.14, 0.2)
        return np.stack([haematoxylin + 0.03 * grains, np.maximum(eosin + 0.06 * grains + 0.03 * near, 0)], -1)
    if kind == "necrosis":
        return np.stack([np.maximum(0.08 + 0.025 * grains, 0), np.maximum(0.6 + 0.13 * grains + 0.05 * near, 0)], -1)
    strands = _look_up(fibres(mpp), places, mpp)
    loose = np.clip((strands - 0.1 + 0.05 * near) / 0.16, 0, 1)  # clefts between bundles let the light through
    eosin = loose * (0.24 + 0.5 * strands + 0.03 * grains)
    return np.stack([0.05 * loose, np.maximum(eosin, 0)], -1)


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
    """Of the long nuclei those that lie along the fibres, where v does not change."""
    step = 2 * COARSE * frame.mpp
    across = frame.at(fields.v, points.x + step, points.y) - frame.at(fields.v, points.x - step, points.y)
    down = frame.at(fields.v, points.x, points.y + step) - frame.at(fields.v, points.x, points.y - step)
    turns = np.rint(np.arctan2(-across, down) / np.pi * TURNS).astype(int) % TURNS
    return turns + numbers // TURNS * TURNS


def _press_glands(amounts: Amounts, frame: Frame, seed: int) -> None:
    """Press every gland that lies wholly in its region and reaches into the chunk."""
    (x0, y0, x1, y1), reach = frame.window, GLAND[1] + 4
    points = scatter(seed, 99, 96.0, (x0 - reach, y0 - reach, x1 + reach, y1 + reach), 0.25)
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
