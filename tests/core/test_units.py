"""Micrometres per pixel: parsed, and refused where no light microscope has them."""

import pytest

from saccade.core.errors import BadInput
from saccade.core.units import parse_mpp


@pytest.mark.parametrize(("text", "value"), [("0.25", 0.25), ("0,25", 0.25), (" ", None), ("NaN", None), ("5", 5.0)])
def test_parse(text: str, value: float | None) -> None:
    assert parse_mpp(text) == value


@pytest.mark.parametrize("text", ["250", "0", "-0.25", "inf", "1e-9", "40x"])
def test_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^row 3: .*micrometres per pixel"):
        parse_mpp(text, "row 3")
