"""Micrometres per pixel: parsed, and refused where no light microscope has them."""

import pytest

from saccade.core.errors import BadInput
from saccade.core.units import magnification, parse_mpp


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
