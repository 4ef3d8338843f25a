from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import Manifest, Row
from saccade.datasets.labelled import class_numbers


def test_numbers_are_places_among_the_classes() -> None:
    rows = tuple(Row(Path(f"{name}.png"), name) for name in "bcb")
    assert class_numbers(Manifest(rows, ("a", "b", "c"), Path("cells")), ("a", "b", "c")).tolist() == [1, 2, 1]
    assert class_numbers(Manifest(rows, (), Path("cells")), ("c", "b")).tolist() == [1, 0, 1]


def test_a_label_of_no_class_is_named_with_its_row() -> None:
    rows = (Row(Path("x.png"), "a"), Row(Path("y.png"), "d", line=3))
    with pytest.raises(BadInput, match=r"y\.png \(row 3\).*'d'.*--labels"):
        class_numbers(Manifest(rows, ("a",), Path("cells")), ("a", "b"))
