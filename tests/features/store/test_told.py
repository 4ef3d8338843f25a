"""Attributes are read by type: what makes no sense is told by name, what only informs is left out."""

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.features.store.told import Told

NONSENSE = [np.nan, np.inf, -3, 2.0**60, "224", b"224", np.array([224, 224]), h5py.Empty("f"), True]


def told(tmp_path: Path, value: Any) -> Told:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["size"] = value
        return Told.of(file, tmp_path / "a.h5")


@pytest.mark.parametrize("value", [*NONSENSE, 0])
def test_what_is_no_length(tmp_path: Path, value: Any) -> None:
    found = told(tmp_path, value)
    for read in (found.pixels, found.number):
        with pytest.raises(BadInput, match=r"a\.h5: its attribute size is .*, which is no .*\. Correct") as caught:
            read("size")
        assert "\n" not in str(caught.value)
    assert found.known("size") is None


@pytest.mark.parametrize("value", [*NONSENSE[:-3], np.array([1.0, 2, 3]), np.array([1.0, 0]), h5py.Empty("f"), []])
def test_what_is_no_pair(tmp_path: Path, value: Any) -> None:
    with pytest.raises(BadInput, match="its attribute size is .*no pair of numbers above zero"):
        told(tmp_path, value).pair("size")


def test_what_makes_sense(tmp_path: Path) -> None:
    for value in (224, 224.0, np.float32(224), np.uint8(224), np.int64(224)):
        found = told(tmp_path, value)
        assert (found.pixels("size"), found.number("size"), found.known("size")) == (224, 224, 224)
        assert found.pair("size") == (224, 224) and type(found.pixels("size")) is int
    assert told(tmp_path, 0).pixels("size", least=0) == 0
    assert told(tmp_path, np.array([4.5, 4.0])).pair("size") == (4.5, 4.0)
    assert told(tmp_path, np.array([4.5])).pair("size") == (4.5, 4.5)


def test_texts(tmp_path: Path) -> None:
    assert [told(tmp_path, value).text("size") for value in ("a", b"a", 3, h5py.Empty("S1"))] == ["a", "a", "", ""]


def test_what_is_absent(tmp_path: Path) -> None:
    found = told(tmp_path, 1)
    assert found.pixels("b") is found.number("b") is found.pair("b") is found.known("b") is None
    assert found.text("b") == ""


def test_values_are_plain(tmp_path: Path) -> None:
    for value in NONSENSE:
        again = pickle.loads(pickle.dumps(told(tmp_path, value))).values["size"]
        assert type(again) in (int, float, str, list, bool, type(None))
