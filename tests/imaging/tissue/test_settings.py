"""Settings refuse what no slide has, and say all of themselves."""

import dataclasses

import pytest

from saccade.core.errors import BadInput
from saccade.imaging.tissue.settings import TissueSettings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_area_mm2": -1.0}, "min_area_mm2 = -1"),
        ({"min_hole_mm2": float("nan")}, "min_hole_mm2 = nan"),
        ({"min_relative": 1.5}, "min_relative = 1.5"),
        ({"thumbnail_mpp": 0.0}, "thumbnail_mpp = 0"),
    ],
)
def test_refused(change: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        TissueSettings(**change)


def test_as_dict_holds_every_field() -> None:
    settings = TissueSettings(drop_pen=False)
    assert TissueSettings(**settings.as_dict()) == settings
    assert set(settings.as_dict()) == {field.name for field in dataclasses.fields(TissueSettings)}
