"""A pyramid as bare tensors."""

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.models.parts.slide_tensors import slide_tensors
from saccade.models.parts.span_pyramid import span_pyramid
from tests.ops.sparse_grids import SLIDES


def test_every_tensor_is_where_its_name_says() -> None:
    (cells,) = SLIDES["blobs"]
    pyramid = span_pyramid(cells, (len(cells),))
    found = slide_tensors(pyramid)
    assert found.patch is pyramid.patch
    for number in (0, 1):
        windows = pyramid.stages[number].windows
        for part in ("tokens", "neighbours", "parity", "place"):
            assert getattr(found, f"{part}_{number}") is getattr(windows, part)
    for number in (1, 2):
        condensed = pyramid.stages[number].condensed
        for part in ("parent", "slot", "counts"):
            assert getattr(found, f"{part}_{number}") is getattr(condensed, part)


def test_sentinels_are_refused() -> None:
    with pytest.raises(BadInput, match="sentinels"):
        slide_tensors(span_pyramid(torch.tensor([[0, 0]]), (1,), "released"))
