"""Recordings come back from every format as they were written, and every damage is told in one line."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.imaging.event_files import _check_payload, is_recording, load_events

DICE = np.random.default_rng(0)
COUNT = 400
COLUMNS = {
    "x": DICE.integers(0, 64, COUNT).astype(np.uint16),
    "y": DICE.integers(0, 48, COUNT).astype(np.int32),
    "t": np.sort(DICE.integers(0, 90_000, COUNT)).astype(np.uint32),
    "p": DICE.integers(0, 2, COUNT).astype(bool),
}


def table(order: str = "xytp", **types: type) -> np.ndarray:
    columns = {name: COLUMNS[name].astype(types.get(name, COLUMNS[name].dtype)) for name in order}
    array = np.empty(COUNT, [(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        array[name] = values
    return array


def save_npy(path: Path) -> None:
    np.save(path, table("tpxy"))


def save_npy_signed(path: Path) -> None:
    signed = table(p=np.int8)
    signed["p"] = 2 * signed["p"] - 1
    np.save(path, signed)


def save_root(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs.update(height=48, width=64)
        for name, values in COLUMNS.items():
            file[name] = values


def save_group(path: Path) -> None:
    """As DSEC does, whose times begin at an offset."""
    with h5py.File(path, "w") as file:
        for name, values in COLUMNS.items():
            file[f"events/{name}"] = values - np.uint32(COLUMNS["t"][0]) if name == "t" else values
        file["t_offset"] = np.int64(COLUMNS["t"][0])


def save_compound(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["events"] = table("ptxy")
        file["events"].attrs.update(height=48, width=64)


def save_metavision(path: Path) -> None:
    """As Metavision lays its files out, though without its own compression."""
    with h5py.File(path, "w") as file:
        file["CD/events"] = table("xypt")
        file.attrs["geometry"] = "64x48"
        file["EXT_TRIGGER/events"] = np.zeros(3)


def save_camera(encoding: str) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        from expelliarmus import Wizard

        Wizard(encoding=encoding).save(fpath=path, arr=table(p=np.uint8))

    return save


FORMATS = {
    "npy": ("a.npy", save_npy),
    "npy signed": ("a.npy", save_npy_signed),
    "hdf5 root": ("a.h5", save_root),
    "hdf5 group": ("a.hdf5", save_group),
    "hdf5 compound": ("a.h5", save_compound),
    "hdf5 of Metavision": ("a.hdf5", save_metavision),
    "evt2": ("a.raw", save_camera("evt2")),
    "evt3": ("a.raw", save_camera("evt3")),
    "dat": ("a.dat", save_camera("dat")),
}


@pytest.mark.parametrize("case", FORMATS)
def test_events_come_back(tmp_path: Path, case: str) -> None:
    name, save = FORMATS[case]
    if Path(name).suffix in (".raw", ".dat"):
        pytest.importorskip("expelliarmus", reason="the extra `events` is not installed")
    save(tmp_path / name)
    events = load_events(tmp_path / name)
    assert is_recording(tmp_path / name)
    assert (events.height, events.width) == (COLUMNS["y"].max() + 1, COLUMNS["x"].max() + 1)
    for column, values in COLUMNS.items():
        np.testing.assert_array_equal(getattr(events, column), values)


def with_header(path: Path, *lines: str) -> Path:
    """An EVT3 recording whose header has these lines more."""
    save_camera("evt3")(path)
    path.write_bytes("".join(f"% {line}\n" for line in lines).encode() + path.read_bytes())
    return path


@pytest.mark.parametrize(
    "lines",
    [("format EVT3;height=720;width=1280",), ("geometry 1280x720",), ("width 1280", "height 720")],
)
def test_the_header_of_a_camera_tells_the_sensor(tmp_path: Path, lines: tuple[str, ...]) -> None:
    pytest.importorskip("expelliarmus", reason="the extra `events` is not installed")
    events = load_events(with_header(tmp_path / "a.raw", *lines))
    assert (events.height, events.width) == (720, 1280)
    assert len(events) == COUNT


def test_attributes_tell_the_sensor(tmp_path: Path) -> None:
    save_root(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs.update(height=480, width=640)
    events = load_events(tmp_path / "a.h5")
    assert (events.height, events.width) == (480, 640)


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.raw").write_bytes(b"% evt 3.0\n% end\n\0\0\0\0")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r'pip install .*"\.\[events\]", or convert'):
        load_events(tmp_path / "a.raw")


def broken_file(path: Path, kind: str) -> None:
    if kind == "empty":
        path.touch()
    elif kind == "cut":
        save_root(path)
        path.write_bytes(path.read_bytes()[:900])
    elif kind == "noise":
        path.write_bytes(DICE.bytes(500))
    elif kind == "features":
        with h5py.File(path, "w") as file:
            file["features"], file["coords"] = np.zeros((3, 8)), np.zeros((3, 2))
    elif kind == "seconds":
        with h5py.File(path, "w") as file:
            for name, values in COLUMNS.items():
                file[name] = values / 1e6 if name == "t" else values
    elif kind == "unequal":
        with h5py.File(path, "w") as file:
            for name, values in COLUMNS.items():
                file[name] = values[: 5 if name == "x" else None]


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("a.h5", "empty", "the file is empty"),
        ("a.h5", "absent", "there is no such file"),
        ("a.h5", "cut", "is damaged"),
        ("a.npy", "noise", "is damaged"),
        ("a.h5", "features", "is no recording of events (it holds coords, features). Give datasets x, y, t, p"),
        ("a.h5", "seconds", "seconds times 1e6"),
        ("a.h5", "unequal", "not equally long"),
        ("a.raw", "noise", "does not name an encoding"),
        ("a.RAW", "noise", "rename it to end in .raw"),
        ("a.txt", "noise", "is no recording of events"),
    ],
)
def test_damage_is_told_in_one_line(tmp_path: Path, name: str, kind: str, said: str) -> None:
    path = tmp_path / name
    broken_file(path, kind)
    with pytest.raises(BadInput) as caught:
        load_events(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and "\n" not in line
    assert said.lower() in line.lower()


def test_other_arrays_are_no_recordings(tmp_path: Path) -> None:
    np.save(tmp_path / "plain.npy", np.zeros((4, 4)))
    np.save(tmp_path / "other.npy", np.zeros(4, [("x", int), ("time", int)]))
    np.save(tmp_path / "deep.npy", np.zeros((4, 2), table().dtype))
    with pytest.raises(BadInput, match="no structured array"):
        load_events(tmp_path / "plain.npy")
    with pytest.raises(BadInput, match="fields: x, time"):
        load_events(tmp_path / "other.npy")
    with pytest.raises(BadInput, match="2 axes. Give one row per event"):
        load_events(tmp_path / "deep.npy")


def test_an_unknown_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(b"% evt 2.1\n% end\n\0\0\0\0")
    with pytest.raises(BadInput, match="EVT 2.1"):
        load_events(tmp_path / "a.raw")


def test_what_metavision_packed_is_no_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "a.hdf5"
    packed = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    packed.set_chunk((4,))
    packed.set_filter(36559, h5py.h5z.FLAG_OPTIONAL)
    values = table("xypt")
    with h5py.File(path, "w") as file:
        group, space = file.create_group("CD"), h5py.h5s.create_simple(values.shape)
        h5py.h5d.create(group.id, b"events", h5py.h5t.py_create(values.dtype), space, packed)
    with pytest.raises(BadInput, match=r"a\.hdf5: is packed by Metavision's codec ECF.*convert the recording"):
        load_events(path)


@pytest.mark.parametrize("name", ["a.dat", "a.raw"])
@pytest.mark.parametrize("tail", [b"", b"% end\n", b"% no line ends here"])
def test_a_camera_file_that_ends_with_its_header(
    tmp_path: Path, name: str, tail: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """The decoder would write to the screen by itself, or never come to an end."""
    pytest.importorskip("expelliarmus")
    (tmp_path / name).write_bytes(b"% evt 2.0\n" + tail)
    with pytest.raises(BadInput, match="holds no events that can be unpacked"):
        load_events(tmp_path / name)
    assert capfd.readouterr() == ("", "")


def test_a_sensor_that_is_known(tmp_path: Path) -> None:
    events = np.zeros(3, [("x", "u2"), ("y", "u2"), ("t", "i8"), ("p", "u1")])
    np.save(tmp_path / "a.npy", events)
    one = load_events(tmp_path / "a.npy", (4, 6))
    assert (one.height, one.width) == (4, 6)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["events"] = events
        file.attrs.update(height=4, width=6)
    assert load_events(tmp_path / "a.h5", (4, 6)).width == 6
    with pytest.raises(BadInput, match="states a sensor of 6 x 4 pixels, not 9 x 4"):
        load_events(tmp_path / "a.h5", (4, 9))


def test_events_that_begin_like_a_line_of_the_header_are_events(tmp_path: Path) -> None:
    """One word in 256 begins with a per cent sign, and the header says where it ends."""
    header = b"% evt 3.0\n% end\n"
    (tmp_path / "short.raw").write_bytes(header + b"%\x00\x01\x02")
    _check_payload(tmp_path / "short.raw")
    (tmp_path / "none.raw").write_bytes(header)
    with pytest.raises(BadInput, match="holds no events"):
        _check_payload(tmp_path / "none.raw")
