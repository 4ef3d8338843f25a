"""Recordings are cut into images that add up to them, under names that tell where they came from."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import load_manifest
from saccade.datasets.event_frames import cut_by_count, cut_by_time, find_recordings, write_frames
from saccade.imaging.event_files import load_events
from saccade.imaging.events import bin_events
from saccade.imaging.image_files import load_image
from tests.miniature_events import write_recording


def test_class_folders_become_a_manifest(tmp_path: Path) -> None:
    whole = {}
    for label in ("calm", "busy"):
        for number in range(2):
            path = write_recording(tmp_path / "in" / label / f"r{number}.npy", seed=number)
            whole[f"{label}/r{number}"] = bin_events(load_events(path))
    made = write_frames(find_recordings([tmp_path / "in"]), tmp_path / "out", cut_by_time(5))
    manifest = load_manifest(made.manifest)
    assert manifest.classes == ("busy", "calm")
    assert len(manifest) == made.count == 16
    assert {row.case_id for row in manifest.rows} == set(whole)
    for case, counts in whole.items():
        rows = [row for row in manifest.rows if row.case_id == case]
        assert {row.label for row in rows} == {case.partition("/")[0]}
        np.testing.assert_array_equal(sum(load_image(row.path) for row in rows), counts)
        assert rows[0].name == f"{case}/{case[-2:]}_00001.npy"


def test_windows_of_equally_many_events(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.npy")
    made = write_frames(find_recordings([path]), tmp_path / "out", cut_by_count(100))
    assert made.count == 3
    assert made.manifest.read_text().splitlines()[:2] == ["path,case_id", "a/a_00001.npy,a"]
    assert all(load_image(tmp_path / "out" / f"a/a_0000{number}.npy").sum() == 100 for number in (1, 2, 3))


def test_names_that_would_meet_are_told_apart(tmp_path: Path) -> None:
    for name in ("one/a.npy", "two/a.npy"):
        write_recording(tmp_path / name)
    found = find_recordings([tmp_path / "one", tmp_path / "two" / "a.npy", tmp_path / "one" / "a.npy"])
    assert [recording.name for recording in found] == ["a", "a_2"]
    assert not any(recording.label for recording in found)


def test_what_cannot_be_cut_is_told(tmp_path: Path) -> None:
    write_recording(tmp_path / "in" / "a.npy")
    (tmp_path / "in" / "b.h5").write_bytes(b"no HDF5")
    write_recording(tmp_path / "in" / "c.npy", count=20)
    made = write_frames(find_recordings([tmp_path / "in"]), tmp_path / "out", cut_by_count(50))
    assert made.count == 6
    first, second = map(str, made.problems)
    assert "b.h5: is damaged" in first
    assert "c.npy: holds 20 events, fewer than a window. Ask for at most 20" in second
    with pytest.raises(BadInput, match="none of the 2 recordings.*b.h5"):
        write_frames(find_recordings([tmp_path / "in/b.h5", tmp_path / "in/c.npy"]), tmp_path / "x", cut_by_count(50))
    with pytest.raises(BadInput, match="no length"):
        cut_by_time(0)
