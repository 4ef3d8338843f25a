"""Simulated brightfield microscopy of a stained smear: Beer–Lambert absorption, defocus, camera.

Light that crosses the smear is I = I₀ · exp(−Σ uptake · thickness · dye), each dye an absorbance per colour channel.
The dyes are those of a May-Grünwald-Giemsa stain; their vectors and the uptakes were set by eye and by the colour
clusters of public smear photographs. Simulated donors differ in dye strength and hue, lamp, vignetting, focus, noise.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from saccade.datasets.simulators.cell_description import CellDescription, Layers, layers
from saccade.datasets.simulators.smear import Surroundings, thickness_of_platelets, thickness_of_red_cells
from saccade.datasets.simulators.thickness import FloatArray, Frame, finer_grid

# Absorbance of red, green and blue at unit amount. Purple is the complex that azure B and eosin form on chromatin.
PURPLE, AZURE, EOSIN, HAEMOGLOBIN = (1.34, 2.2, 0.44), (0.78, 0.70, 0.17), (0.15, 0.75, 0.45), (0.24, 0.35, 0.21)
DYES = np.array([PURPLE, AZURE, EOSIN, HAEMOGLOBIN], np.float32)

# Uptake of (purple, azure, eosin) per micrometre of (cytoplasm, nucleus, granules).
UPTAKE: dict[str, tuple[tuple[float, float, float], ...]] = {
    "neutrophil": ((0.010, 0.06, 0.10), (0.52, 0.02, 0.00), (0.80, 0.10, 0.45)),
    "eosinophil": ((0.010, 0.14, 0.09), (0.50, 0.02, 0.00), (0.07, 0.11, 0.66)),
    "basophil": ((0.090, 0.06, 0.12), (0.40, 0.03, 0.02), (0.88, 0.08, 0.15)),
    "lymphocyte": ((0.035, 0.30, 0.02), (0.50, 0.03, 0.00), (0.80, 0.10, 0.45)),
    "monocyte": ((0.025, 0.22, 0.06), (0.50, 0.04, 0.02), (0.70, 0.10, 0.40)),
}
PLATELET_UPTAKE = (0.35, 0.15, 0.10)
HAEMOGLOBIN_PER_MICROMETRE = 0.42
WARM_LAMP, COOL_LAMP = np.array([255, 229, 203], np.float32), np.array([216, 222, 233], np.float32)
REFRACTION = 0.016  # contrast per unit of curvature of the surface and µm of defocus


@dataclass(frozen=True, eq=False)
class Smear:
    """One simulated donor's slide and the microscope it lies under.

    Attributes:
        dyes: (dye, channel) absorbance vectors, strength and hue included.
        lamp: (channel,) grey values of empty glass.
        vignette: loss of light at the corners, a fraction.
        blur: (least, most) standard deviation of the focus blur in micrometres.
        noise: standard deviation of the camera's noise in grey values.
        crowding: red cells per 100 µm².
        pallor: how biconcave the red cells are, 0 to 1.
    """

    dyes: FloatArray
    lamp: FloatArray
    vignette: float
    blur: tuple[float, float]
    noise: float
    crowding: float
    pallor: float


def draw_smear(rng: np.random.Generator) -> Smear:
    """Draw a simulated donor's stain, lamp and camera.

    Example:
        >>> import numpy as np
        >>> draw_smear(np.random.default_rng(0)).dyes.shape
        (4, 3)
    """
    strength = rng.lognormal(0, 0.13) * rng.lognormal(0, [0.06, 0.18, 0.18, 0.15])
    hue = rng.lognormal(0, 0.06, DYES.shape)
    warmth = 1 - 0.9 * rng.random() ** 3  # most lamps are warm
    lamp = (warmth * WARM_LAMP + (1 - warmth) * COOL_LAMP) * rng.uniform(0.93, 1.02) * rng.normal(1, 0.008, 3)
    least = rng.uniform(0.04, 0.11)
    return Smear(
        dyes=(DYES * hue * strength[:, None]).astype(np.float32),
        lamp=np.minimum(lamp, 255).astype(np.float32),
        vignette=rng.uniform(0, 0.12),
        blur=(least, least + rng.uniform(0.02, 0.12)),
        noise=rng.uniform(0.8, 2.5),
        crowding=rng.uniform(1.5, 7.0),
        pallor=rng.uniform(0.6, 1.1),
    )


def photograph(
    description: CellDescription,
    surroundings: Surroundings,
    smear: Smear,
    frame: Frame,
    rng: np.random.Generator,
) -> tuple[np.ndarray, Layers]:
    """Simulated brightfield photograph, uint8 (size, size, 3) RGB, and the cell's layers on the same grid.

    Light is computed on pixels of at most 0.2 µm and averaged over camera pixels. Cost: O(pixels).
    """
    fine, _ = finer_grid(frame)
    parts = layers(description, fine)
    around = thickness_of_red_cells(surroundings.red_cells, Frame(fine.size, fine.mpp)) * (1 - parts.cell_inside)
    platelets = thickness_of_platelets(surroundings, Frame(fine.size, fine.mpp)) * (1 - parts.cell_inside)
    amounts = _amounts(description.kind, parts, around, platelets, rng)
    light = np.exp(-(amounts.reshape(-1, len(smear.dyes)) @ smear.dyes)).reshape(fine.size, fine.size, 3)
    defocus = float(rng.choice([-1, 1]) * rng.uniform(0.2, 1.0))
    light *= _refraction(parts.cell + around + parts.granules + platelets, fine.mpp, defocus)[..., None]
    light = cv2.GaussianBlur(light, (0, 0), max(rng.uniform(*smear.blur) / fine.mpp, 0.2))
    light = cv2.resize(light, (frame.size, frame.size), interpolation=cv2.INTER_AREA)
    return _camera(np.asarray(light, np.float32), smear, frame, rng), _at(frame.size, parts)


def _amounts(
    kind: str, parts: Layers, red_cells: FloatArray, platelets: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Amount of each dye in the light's way, (height, width, dye)."""
    uptake = np.array(UPTAKE[kind], np.float32) * rng.lognormal(0, 0.12, (3, 3)).astype(np.float32)
    cytoplasm = parts.cytoplasm * np.maximum(1 + 0.13 * parts.grain, 0)
    stacked = np.stack([cytoplasm, parts.nucleus * parts.density, parts.granules, platelets], axis=-1)
    dyed = stacked @ np.concatenate([uptake, np.array([PLATELET_UPTAKE], np.float32)])
    return np.concatenate([dyed, HAEMOGLOBIN_PER_MICROMETRE * red_cells[..., None]], axis=-1)


def _refraction(thickness: FloatArray, mpp: float, defocus: float) -> FloatArray:
    """Bright and dark rims of slightly defocused edges: 1 − REFRACTION · defocus · ∇²thickness."""
    soft = cv2.GaussianBlur(thickness, (0, 0), max(0.2 / mpp, 0.3))
    return np.clip(1 - REFRACTION * defocus * cv2.Laplacian(soft, cv2.CV_32F) / mpp**2, 0.8, 1.2)


def _camera(light: FloatArray, smear: Smear, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    centred = Frame(frame.size, 2 / frame.size)
    falloff = 1 - smear.vignette / 2 * (centred.xs**2 + centred.ys**2)
    values = light * falloff[..., None] * smear.lamp
    values += smear.noise * rng.standard_normal(values.shape, dtype=np.float32)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _at(size: int, parts: Layers) -> Layers:
    """The same layers averaged over the camera's pixels."""
    return Layers(*(cv2.resize(layer, (size, size), interpolation=cv2.INTER_AREA) for layer in vars(parts).values()))
