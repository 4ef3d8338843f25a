"""The built-in encoder measures what its names say, and each patch by itself."""

import colorsys

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.features.encoders.colour_texture import _NEIGHBOURS, ColourTexture, _pattern_codes

ENCODER = ColourTexture()


def noisy(count: int, size: int = 224, seed: int = 0) -> np.ndarray:
    """Blobs of tissue colours under a little noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(90, 256, (count, 14, 14, 3), dtype=np.uint8)
    smooth = np.stack([cv2.resize(each, (size, size), interpolation=cv2.INTER_CUBIC) for each in coarse])
    return np.clip(smooth + rng.integers(-6, 7, smooth.shape), 0, 255).astype(np.uint8)


def told(patch: np.ndarray) -> dict[str, float]:
    return dict(zip(ENCODER.feature_names, ENCODER(patch[None])[0].tolist(), strict=True))


def test_names_and_numbers() -> None:
    assert len(set(ENCODER.feature_names)) == ENCODER.dim == 76
    features = ENCODER(noisy(3))
    assert features.shape == (3, 76) and features.dtype == np.float32 and np.isfinite(features).all()
    assert np.abs(features).max() <= 1
    assert ENCODER(noisy(3)[:0]).shape == (0, 76)


@pytest.mark.parametrize("size", [224, 225, 256, 33])
def test_a_batch_equals_its_patches_one_at_a_time(size: int) -> None:
    patches = noisy(7, size)
    together = ENCODER(patches)
    for index, patch in enumerate(patches):
        np.testing.assert_array_equal(ENCODER(patch[None])[0], together[index])
    order = np.random.default_rng(1).permutation(7)
    np.testing.assert_array_equal(ENCODER(patches[order]), together[order])


def test_memory_layout_does_not_matter() -> None:
    larger = noisy(2, 256)
    np.testing.assert_array_equal(ENCODER(larger[:, 8:232, 8:232]), ENCODER(larger[:, 8:232, 8:232].copy()))


def test_flat_colours() -> None:
    values = told(np.full((224, 224, 3), (200, 100, 150), np.uint8))
    assert (values["red mean"], values["green mean"], values["blue mean"]) == pytest.approx(
        (200 / 255, 100 / 255, 150 / 255)
    )
    assert values["red spread"] == pytest.approx(0, abs=1e-6)
    assert values["grey step at 1/4"] == values["haematoxylin step at 1/8"] == 0
    hue = colorsys.rgb_to_hsv(200 / 255, 100 / 255, 150 / 255)[0] * 360
    assert 315 <= hue < 360 and values["hue 315° to 360°"] == values["coloured"] == 1
    assert values["pattern of 0 at 1/4"] == 1  # nothing is brighter than anything


def test_white_has_no_colour_and_no_stain() -> None:
    values = told(np.full((64, 64, 3), 255, np.uint8))
    assert values["coloured"] == 0 and not any(values[f"hue {a}° to {a + 45}°"] for a in range(0, 360, 45))
    assert values["haematoxylin mean"] == values["eosin mean"] == pytest.approx(32 / 255)


@pytest.mark.parametrize(("stain", "vector"), [("haematoxylin", (0.65, 0.70, 0.29)), ("eosin", (0.07, 0.99, 0.11))])
def test_stains_are_told_apart(stain: str, vector: tuple[float, ...]) -> None:
    """Beer and Lambert: a pure stain of density 0.8 shows in its own channel and in no other."""
    colour = 256 * 10 ** (-0.8 * np.array(vector) / np.linalg.norm(vector)) - 1
    values = told(np.full((64, 64, 3), np.rint(colour), np.uint8))
    for channel in ("haematoxylin", "eosin", "residual"):
        density = (values[f"{channel} mean"] * 255 - 32) / 2 / (255 / np.log10(256))
        assert density == pytest.approx(0.8 if channel == stain else 0, abs=0.02)


def test_moments_are_those_of_numpy() -> None:
    """In blocks of 4 × 4 equal pixels, nothing is lost by measuring at a quarter of the resolution."""
    rng = np.random.default_rng(0)
    coarse = rng.gamma(2, 30, (56, 56, 3)).clip(0, 255).astype(np.uint8)
    values = told(coarse.repeat(4, axis=0).repeat(4, axis=1))
    for index, channel in enumerate(("red", "green", "blue")):
        assert values[f"{channel} mean"] == pytest.approx(coarse[..., index].mean() / 255, abs=1e-6)
        assert values[f"{channel} spread"] == pytest.approx(coarse[..., index].std() / 255, abs=1e-6)
    saturation = cv2.cvtColor(coarse, cv2.COLOR_RGB2HSV_FULL)[..., 1].astype(float)
    third = ((saturation - saturation.mean()) ** 3).mean()
    assert values["saturation skew"] == pytest.approx(np.cbrt(third) / 255, abs=1e-6)
    shares = np.histogram(saturation, bins=range(0, 257, 32))[0] / saturation.size
    assert [values[f"saturation {low} to {low + 31}"] for low in range(0, 256, 32)] == pytest.approx(shares)


def test_steps_grow_with_finer_stripes() -> None:
    """Stripes as wide as a pixel of the half-size picture step at every column there, and vanish a scale up."""
    patch = np.zeros((64, 64, 3), np.uint8)
    patch[:, 2::4] = patch[:, 3::4] = 200
    values = told(patch)
    assert values["grey step at 1/2"] == pytest.approx(200 / 255 / 2)  # along rows every step, along columns none
    assert values["grey step at 1/4"] == 0


def test_patterns_against_a_plain_loop() -> None:
    images = noisy(3, 20)[..., 0]
    codes = _pattern_codes(images)
    for image, code in zip(images.astype(int), codes, strict=True):
        for row in range(1, 19):
            for column in range(1, 19):
                brighter = [image[row + r, column + c] > min(image[row, column], 251) + 4 for r, c in _NEIGHBOURS]
                assert code[row, column] == sum(bit << place for place, bit in enumerate(brighter))


def test_patterns_are_rotation_invariant() -> None:
    patch = noisy(1)[0]
    upright, turned = told(patch), told(np.rot90(patch))
    for name in ENCODER.feature_names:
        if "pattern" in name or "step" in name or "mean" in name:
            assert upright[name] == pytest.approx(turned[name], abs=1e-5), name


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_every_colour_has_features(red: int, green: int, blue: int) -> None:
    values = told(np.full((32, 32, 3), (red, green, blue), np.uint8))
    assert np.isfinite(list(values.values())).all()
    assert sum(values[f"pattern of {count} at 1/8"] for count in range(9)) + values["other patterns at 1/8"] == 1


def test_too_small_patches() -> None:
    with pytest.raises(BadInput, match="40 × 31 pixels"):
        ENCODER(np.zeros((1, 31, 40, 3), np.uint8))
