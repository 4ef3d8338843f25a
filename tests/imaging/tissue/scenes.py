"""Made-up thumbnails of slides, and where their tissue is."""

from dataclasses import dataclass

import cv2
import numpy as np

MPP, DOWNSAMPLE = 0.25, 32.0  # 8 micrometres per thumbnail pixel

HE, PALE_HE, DAB, HAEMATOXYLIN, TRICHROME, SILVER = (
    np.array(density, np.float32)
    for density in (
        (0.17, 0.42, 0.16),
        (0.03, 0.09, 0.04),
        (0.17, 0.33, 0.50),
        (0.18, 0.17, 0.08),
        (0.27, 0.20, 0.10),
        (0.45, 0.47, 0.50),
    )
)
"""Mean optical density of stained tissue, RGB."""

PENS = {"blue": (35, 60, 170), "green": (30, 120, 75), "red": (215, 35, 50), "black": (28, 27, 30)}


@dataclass(frozen=True, eq=False)
class Scene:
    picture: np.ndarray
    tissue: np.ndarray


def blobs(height: int, width: int, *ellipses: tuple[int, int, int, int]) -> np.ndarray:
    """Where ellipses (x, y, half width, half height) with wavy edges are."""
    y, x = np.mgrid[:height, :width]
    mask = np.zeros((height, width), bool)
    for cx, cy, rx, ry in ellipses:
        angle = np.arctan2(y - cy, x - cx)
        mask |= np.hypot((x - cx) / rx, (y - cy) / ry) < 1 + 0.06 * np.sin(7 * angle)
    return mask


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Uneven stain: around 1, within about 0.4 and 2."""
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    coarse = cv2.GaussianBlur(noise, (0, 0), 4)
    return np.exp(0.25 * noise + 0.25 * coarse / coarse.std())


def bright(mask: np.ndarray, stain: np.ndarray, glass=(243, 242, 240), seed: int = 0, noise: float = 1.5) -> np.ndarray:
    """Tissue of one stain on light glass, with the camera's noise."""
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.6)
    density = (soft * texture(*mask.shape, seed))[..., None] * stain
    picture = np.array(glass) * 10**-density
    return noisy(picture, noise, seed)


def noisy(picture: np.ndarray, noise: float, seed: int = 0) -> np.ndarray:
    grain = np.random.default_rng(seed + 1).normal(scale=noise, size=picture.shape)
    return np.rint(picture + grain).clip(0, 255).astype(np.uint8)


def fluorescent(mask: np.ndarray, colour=(0, 0, 255), seed: int = 0) -> np.ndarray:
    """Nuclei on black: a third of the tissue's pixels glow."""
    generator = np.random.default_rng(seed)
    glow = mask * (generator.random(mask.shape) < 0.3) * generator.uniform(0.3, 1, mask.shape)
    glow = cv2.GaussianBlur(glow.astype(np.float32), (0, 0), 0.7)
    return noisy(6 + glow[..., None] * np.array(colour), 1.0, seed)


def stroke(
    picture: np.ndarray,
    points: list[tuple[int, int]],
    colour: tuple[int, int, int],
    width: int = 50,
    streaks: float = 0.1,
) -> None:
    """Draw with a pen, streaky and soft-edged, in place."""
    line = np.zeros(picture.shape[:2], np.uint8)
    cv2.polylines(line, [np.array(points)], False, 255, width)
    cover = cv2.GaussianBlur(line, (0, 0), 1.5)[..., None] / 255 * 0.95
    uneven = 1 + streaks * (texture(*line.shape, 5)[..., None] - 1)
    picture[:] = np.rint((picture * (1 - cover) + np.array(colour) * uneven * cover).clip(0, 255))


def jpeg(picture: np.ndarray, quality: int = 60) -> np.ndarray:
    _, packed = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union."""
    union = int((found | truth).sum())
    return int((found & truth).sum()) / union if union else 1.0
