"""What is kept of the resolutions of fields, and what is told of them."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from saccade.core.manifest import Manifest, Row
from saccade.datasets.resolutions import common_mpp, field_resolutions, mixed_notes


def test_the_row_goes_before_the_file(tmp_path: Path) -> None:
    dots = {"resolution": (1e4 / 0.25,) * 2, "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8, 3), np.uint8), photometric="rgb", **dots)
    paths = (tmp_path / "a.tif", tmp_path / "a.tif", tmp_path / "a.png")
    rows = tuple(Row(path, "x", mpp=mpp) for path, mpp in zip(paths, (0.4, None, None), strict=True))
    assert field_resolutions(Manifest(rows, ("x",), tmp_path)) == (0.4, pytest.approx(0.25), None)


def test_the_median_where_all_are_known() -> None:
    assert common_mpp([0.25, 0.5]) == 0.375
    assert common_mpp([0.25, None]) is common_mpp([]) is None


def test_a_mixture_is_told() -> None:
    assert mixed_notes([0.25, 0.26, 0.3, None]) == mixed_notes([None]) == mixed_notes([]) == ()
    (line,) = mixed_notes([0.25, 0.5, 0.25, 0.5])
    assert "from 0.25 to 0.5 micrometres per pixel" in line and "the median, 0.375" in line
    assert "keeps none" in mixed_notes([0.25, 0.5, None])[0]
