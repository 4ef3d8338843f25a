"""Micrometres per pixel from wherever files state them, and none that no microscope has."""

import pytest

from saccade.imaging.slides.mpp import claims_of_properties, judged, objective_of

MIRAX = "mirax.LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL_"


@pytest.mark.parametrize(
    ("properties", "value", "source"),
    [
        ({"openslide.mpp-x": "0.25", "openslide.mpp-y": "0.26"}, 0.255, "openslide.mpp-x"),
        ({"openslide.mpp-x": "0.5", "aperio.MPP": "0.25"}, 0.5, "openslide.mpp-x"),
        ({"aperio.MPP": "0,2498"}, 0.2498, "aperio.MPP"),
        ({MIRAX + "X": "0.23", MIRAX + "Y": "0.23"}, 0.23, MIRAX + "X"),
        ({"hamamatsu.PhysicalWidth": "500000", "hamamatsu.PhysicalHeight": "250000"}, 0.5, "hamamatsu.PhysicalWidth"),
        (
            {"tiff.XResolution": "40000", "tiff.YResolution": "40000", "tiff.ResolutionUnit": "centimeter"},
            0.25,
            "TIFF resolution",
        ),
        (
            {"tiff.XResolution": "50800", "tiff.YResolution": "50800", "tiff.ResolutionUnit": "inch"},
            0.5,
            "TIFF resolution",
        ),
        ({"openslide.mpp-x": "352.8", "openslide.mpp-y": "352.8", "aperio.MPP": "0.25"}, 0.25, "aperio.MPP"),
    ],
)
def test_where_it_is_stated(properties: dict[str, str], value: float, source: str) -> None:
    stated, doubt = judged(claims_of_properties(properties, 1000, 500))
    assert stated is not None and (stated.value, stated.source, doubt) == (pytest.approx(value), source, "")


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, ""),
        ({"tiff.ResolutionUnit": "inch"}, ""),
        ({"tiff.XResolution": "1", "tiff.YResolution": "1", "tiff.ResolutionUnit": "none"}, ""),
        ({"openslide.mpp-x": "0", "openslide.mpp-y": "0"}, ""),
        ({"aperio.MPP": "a quarter"}, ""),
        ({"openslide.mpp-x": "0.25", "openslide.mpp-y": "0.5"}, "openslide.mpp-x is 0.25 across but 0.5 down"),
        (
            {"openslide.mpp-x": "0.25", "openslide.mpp-y": "0.5", "aperio.MPP": "0.25"},
            "openslide.mpp-x is 0.25 across but 0.5 down",
        ),
        ({"aperio.MPP": "250"}, "aperio.MPP is 250, and microscopes have 0.05 to 5"),
        ({"aperio.MPP": "0.01"}, "aperio.MPP is 0.01, and microscopes have 0.05 to 5"),
    ],
)
def test_what_is_not_believed(properties: dict[str, str], reason: str) -> None:
    assert judged(claims_of_properties(properties, 1000, 500)) == (None, reason)


@pytest.mark.parametrize(("down", "believed"), [(0.26, True), (0.2624, True), (0.2626, False), (0.2375, False)])
def test_pixels_may_be_a_little_oblong(down: float, believed: bool) -> None:
    assert (judged([("a", 0.25, down)])[0] is not None) == believed


def test_numbers_that_are_none() -> None:
    assert judged([("a", float("nan"), float("nan")), ("b", float("inf"), 1.0)])[0] is None


def test_the_same_doubt_is_told_once() -> None:
    assert judged([("a", 300.0, 300.0), ("b", 300.0, 300.0)])[1].count("300") == 1


def test_objectives_are_a_hint() -> None:
    assert objective_of({"aperio.AppMag": "20"}) == "its objective is 20x, usually 0.5"
    assert objective_of({"openslide.objective-power": "40"}) == "its objective is 40x, usually 0.25"
    assert objective_of({}) == ""
