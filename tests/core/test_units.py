"""Micrometres per pixel: parsed, refused where no light microscope has them, and turned into pixels."""

import pytest

from saccade.core.errors import BadInput
from saccade.core.units import alike_mpp, factor_for, magnification, parse_mpp


@pytest.mark.parametrize(("text", "value"), [("0.25", 0.25), ("0,25", 0.25), (" ", None), ("NaN", None), ("5", 5.0)])
def test_parse(text: str, value: float | None) -> None:
    assert parse_mpp(text) == value


@pytest.mark.parametrize("text", ["250", "0", "-0.25", "inf", "1e-9", "40x"])
def test_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^row 3: .*micrometres per pixel"):
        parse_mpp(text, "row 3")


@pytest.mark.parametrize(
    ("mpp", "label"),
    [(0.5, 20), (0.25, 40), (0.2325, 40), (0.4985, 20), (1.0, 10), (0.125, 80), (8.0, 1.25), (0.7, 14.29)],
)
def test_magnification(mpp: float, label: float) -> None:
    assert magnification(mpp) == label


@pytest.mark.parametrize(
    ("wanted", "stated", "factor"), [(1.25, 0.25, 5), (1.0, 0.4, 3), (0.3, 0.5, 1), (40.0, 0.5, 80)]
)
def test_factors_from_micrometres(wanted: float, stated: float, factor: int) -> None:
    assert factor_for(wanted, stated) == factor


@pytest.mark.parametrize(("other", "alike"), [(0.5, True), (0.41, True), (0.62, True), (0.4, False), (0.625, False)])
def test_resolutions_are_alike_up_to_a_quarter(other: float, alike: bool) -> None:
    assert alike_mpp(0.5, other) == alike_mpp(other, 0.5) == alike


def test_micrometres_that_cannot_be_had() -> None:
    with pytest.raises(BadInput, match=r"a\.tif: carries no micrometres"):
        factor_for(1.0, None, "a.tif")
    with pytest.raises(BadInput, match="coarser than the 0.1 wanted"):
        factor_for(0.1, 0.5)
    with pytest.raises(BadInput, match="no size"):
        factor_for(float("nan"), 0.5)
