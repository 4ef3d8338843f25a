"""What a bag says about itself."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from saccade.features.store.attributes import BagAttributes, as_json, source_facts, stride_of


@pytest.mark.parametrize(
    ("patch", "level0", "overlap", "stride"),
    [(224, 448, 0, 448), (256, 512, 128, 256), (224, 443, 0, 443), (256, 507, 64, 380)],
)
def test_stride(patch: int, level0: int, overlap: int, stride: int) -> None:
    assert stride_of(patch, level0, overlap) == stride
    told = BagAttributes("s", patch, level0, mpp=0.5, source_mpp=0.25, overlap=overlap)
    assert told.on_file()["stride_level0"] == stride
    assert BagAttributes("s", patch, level0, 0.5, 0.25, overlap=overlap, stride_level0=99).stride_level0 == 99


def test_attributes_are_what_hdf5_can_hold() -> None:
    told = BagAttributes(
        "s", 224, 448, 0.5, 0.25, encoder_facts={"version": 2, "mean": [0.5], "none": None}, extra={"b": 1, "a": 2}
    )
    values = {**told.on_coords(), **told.on_features(), **told.on_file()}
    assert all(isinstance(value, str | int | float) for value in values.values())
    assert values["encoder_version"] == "2" and values["extra"] == '{"a": 2, "b": 1}'
    assert as_json({"ä": 1}) == '{"ä": 1}'


def test_source_facts_of_files_and_folders(tmp_path: Path) -> None:
    for name, size, time in (("a.dcm", 5, 1_000_000_000), ("b.dcm", 7, 1_000_000_001.5)):
        (tmp_path / name).write_bytes(bytes(size))
        os.utime(tmp_path / name, (time, time))
    assert source_facts(tmp_path / "a.dcm") == {
        "source": str(tmp_path / "a.dcm"),
        "source_size": 5,
        "source_time": "2001-09-09T01:46:40.000+00:00",
    }
    folder = source_facts(tmp_path)
    assert (folder["source_size"], folder["source_time"]) == (12, "2001-09-09T01:46:41.500+00:00")
    BagAttributes("s", 224, 224, 0.5, 0.5, **folder)


def test_only_what_is_simulated_says_so() -> None:
    plain = BagAttributes("s", 224, 224, 0.5, 0.5)
    assert "simulated" not in plain.on_file()
    assert replace(plain, simulated=True).on_file()["simulated"] is True
