"""Recordings of event cameras from files: NPY, HDF5 and Prophesee's RAW and DAT.

- NPY: a structured array with the fields x, y, t and p, in any order.
- HDF5: datasets x, y, t and p, at the root or in a group ``events``, or one compound dataset ``events`` with these
  fields, which may lie in a group ``CD``, as Metavision writes it; what it packs by its own codec, ECF, is opened where
  HDF5 has that codec. A dataset ``t_offset`` is added to the times, as DSEC (Gehrig et al. 2021) asks for.
- RAW and DAT of Prophesee's cameras, whose header names the encoding: unpacked by ``expelliarmus``, an extra.

Times are microseconds. The sensor's size is taken from the file: attributes ``height`` and ``width`` or ``geometry``
of HDF5, the header of RAW and DAT (``format``, ``width`` and ``height``, ``geometry``). Where it does not say, the
sensor is as large as the largest x and y ask for, so that recordings of one camera may differ; better to say.
"""

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from saccade.core.errors import BadInput
from saccade.core.extras import install_extra
from saccade.imaging.events import Events, make_events
from saccade.imaging.file_faults import COPY_AGAIN, told_in_one_line

HDF5_SUFFIXES = (".h5", ".hdf5")
RAW_SUFFIXES = (".raw", ".dat")
EVENT_SUFFIXES = frozenset({".npy", *HDF5_SUFFIXES, *RAW_SUFFIXES})

_FIELDS = ("x", "y", "t", "p")
_EXPECTED = "give datasets x, y, t, p at its root or in a group events, or a structured array of these fields"
_ECF = 36559  # the number under which HDF5 knows Metavision's codec
_DAT_EVENT = 10  # bytes of a DAT file with one event: two on the kind of its events, eight for the event
_HEADER = 2**14  # bytes within which the header of a camera's file ends


def is_recording(path: Path | str) -> bool:
    """Whether the name says that the file may hold events; hidden files never do."""
    path = Path(path)
    return path.suffix.lower() in EVENT_SUFFIXES and not path.name.startswith(".")


def load_events(path: Path | str, sensor: tuple[int, int] | None = None) -> Events:
    """Load a recording of an event camera.

    Cost: 13 bytes an event, and what the file holds while it is unpacked.

    Args:
        path: The file.
        sensor: Height and width of the sensor, for files that do not state it, as NPY never does.

    Raises:
        BadInput: Naming the file: it is missing, empty, damaged or of another kind, its events are out of order,
            outside the sensor or no whole numbers, or it states another sensor.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in EVENT_SUFFIXES:
        raise BadInput("is no recording of events", f"give one of {' '.join(sorted(EVENT_SUFFIXES))}", str(path))
    with told_in_one_line(path):
        if suffix in HDF5_SUFFIXES:
            return _from_hdf5(path, sensor)
        return _from_camera(path, sensor) if suffix in RAW_SUFFIXES else _from_npy(path, sensor)


def lacks_sensor(path: Path) -> bool:
    """Whether a file holds events as NPY, which cannot state the size of the sensor; its header alone is read."""
    try:
        return path.suffix.lower() == ".npy" and is_structured(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError):
        return False


def is_structured(array: np.ndarray) -> bool:
    """Whether an array has named fields, as events do and images do not."""
    return array.dtype.names is not None


def events_of(array: np.ndarray, sensor: tuple[int, int] | None = None, start: int = 0) -> Events:
    """Events from a structured array.

    Args:
        array: With the fields x, y, t and p, in any order.
        sensor: Height and width, where known.
        start: Microseconds added to all times.
    """
    names = array.dtype.names or ()
    if not set(_FIELDS) <= set(names):
        fields = ", ".join(names) or "none"
        raise BadInput(f"is no recording of events (fields: {fields})", "give the fields x, y, t and p")
    if array.ndim != 1:
        raise BadInput(f"has {array.ndim} axes", "give one row per event")
    return _events({name: np.asarray(array[name]) for name in _FIELDS}, sensor, start)


def _events(columns: Mapping[str, np.ndarray], sensor: tuple[int, int] | None, start: int = 0) -> Events:
    lengths = {name: values.shape for name, values in columns.items()}
    if len(set(lengths.values())) > 1 or columns["t"].ndim != 1:
        message = "its x, y, t and p are not equally long: " + ", ".join(str(shape) for shape in lengths.values())
        raise BadInput(message, COPY_AGAIN)
    t = columns["t"]
    if start and t.dtype.kind in "iu":
        t = t.astype(np.int64) + start
    return make_events(columns["x"], columns["y"], t, columns["p"], sensor)


def _from_npy(path: Path, sensor: tuple[int, int] | None) -> Events:
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(mapped, np.ndarray) or not is_structured(mapped):
        raise BadInput("holds no structured array, as events are", "save an array with the fields x, y, t and p")
    return events_of(mapped, sensor)


def _from_hdf5(path: Path, known: tuple[int, int] | None) -> Events:
    with h5py.File(path, "r", locking=False) as file:
        given = file.get("events") or file.get("CD/events") or file
        places = [file, given] if given != file else [file]
        start, sensor = _offset(places), _agreed(_sensor(places), known)
        if isinstance(given, h5py.Dataset) and given.dtype.names:
            _check_packing(given)
            return events_of(given[()], sensor, start)
        group = given if isinstance(given, h5py.Group) else {}
        columns = {name: each for name in _FIELDS if isinstance(each := group.get(name), h5py.Dataset)}
        if len(columns) < len(_FIELDS):
            found = ", ".join(sorted(file)[:6]) or "nothing"
            raise BadInput(f"is no recording of events (it holds {found})", _EXPECTED)
        return _events({name: column[()] for name, column in columns.items()}, sensor, start)


def _check_packing(events: h5py.Dataset) -> None:
    """Whether HDF5 here can unpack what Metavision packed; h5py would call the file damaged."""
    filters = events.id.get_create_plist()
    packed = any(filters.get_filter(number)[0] == _ECF for number in range(filters.get_nfilters()))
    if packed and not h5py.h5z.filter_avail(_ECF):
        remedy = "install Metavision's HDF5 plugin, or convert the recording to RAW, NPY or plain HDF5"
        raise BadInput("is packed by Metavision's codec ECF, which HDF5 lacks here", remedy)


def _offset(places: list[Any]) -> int:
    """Microseconds to add to the times, where the file says so."""
    for place in places:
        if isinstance(place, h5py.Group) and isinstance(found := place.get("t_offset"), h5py.Dataset):
            return int(found[()])
    return 0


def _agreed(stated: tuple[int, int] | None, known: tuple[int, int] | None) -> tuple[int, int] | None:
    """The sensor that the file states or, where it does not, the one that is known."""
    if stated is not None and known is not None and stated != known:
        message = f"states a sensor of {stated[1]} x {stated[0]} pixels, not {known[1]} x {known[0]}"
        raise BadInput(message, "leave out --sensor, or give it to the recordings that do not state theirs")
    return stated or known


def _sensor(places: list[Any]) -> tuple[int, int] | None:
    """Height and width from the attributes of the file or of the events."""
    for place in places:
        if {"height", "width"} <= set(place.attrs):
            return int(place.attrs["height"]), int(place.attrs["width"])
        if sides := re.fullmatch(r"(\d+)x(\d+)", str(place.attrs.get("geometry", ""))):
            return int(sides[2]), int(sides[1])
    return None


def _from_camera(path: Path, known: tuple[int, int] | None) -> Events:
    if path.suffix not in RAW_SUFFIXES:
        raise BadInput(f"its suffix is {path.suffix}", f"rename it to end in {path.suffix.lower()}")
    header = _header(path)
    encoding = "dat" if path.suffix == ".dat" else _encoding(header)
    if importlib.util.find_spec("expelliarmus") is None:
        remedy = f"{install_extra('events')}, or convert the recording to HDF5 or NPY"
        raise BadInput("recordings of cameras are unpacked by expelliarmus, which is not installed", remedy)
    from expelliarmus import Wizard

    _check_payload(path)
    found = Wizard(encoding=encoding).read(path)
    if found is None:
        raise BadInput("holds no events that can be unpacked", COPY_AGAIN)
    return events_of(found, _agreed(_stated_sensor(header), known))


def _check_payload(path: Path) -> None:
    """Refuse a file that ends within or right after its header: the decoder would complain by itself, or never end."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    at, ended = 0, False
    while not ended and head.startswith((b"% ", b"%end"), at):
        end = head.find(b"\n", at) + 1 or len(head)
        ended = head[at:end].strip() in (b"% end", b"%end")
        at = end
    least = _DAT_EVENT if path.suffix == ".dat" else 1
    if len(head) - at < least:
        raise BadInput("holds no events that can be unpacked", COPY_AGAIN)


def _header(path: Path) -> dict[str, str]:
    """Keywords and values of the lines that begin with a per cent sign, in small letters."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    found = {}
    for line in head.split(b"\n"):
        if not line.startswith(b"% ") or line.strip() == b"% end":
            break
        keyword, _, value = line[2:].decode("latin-1").strip().partition(" ")
        found[keyword.lower()] = value.strip().lower()
    return found


def _encoding(header: Mapping[str, str]) -> str:
    """How a RAW file is packed, by the name the decoder knows."""
    words = f"{header.get('format', '').partition(';')[0]} evt{header.get('evt', '')}"
    found = re.search(r"evt\s*([\d.]+)", words)
    known = {"2": "evt2", "2.0": "evt2", "3": "evt3", "3.0": "evt3"}
    if found is None:
        raise BadInput("its header does not name an encoding of events", "give a RAW file of a Prophesee camera")
    if found[1] not in known:
        message = f"is encoded as EVT {found[1]}; EVT 2.0 and 3.0 are understood"
        raise BadInput(message, "export it as HDF5 or EVT 3.0 by the camera's software")
    return known[found[1]]


def _stated_sensor(header: Mapping[str, str]) -> tuple[int, int] | None:
    """Height and width from the header of a camera's file, however it states them."""
    sides = dict(re.findall(r"(height|width)=(\d+)", header.get("format", "")))
    sides = sides or {name: header[name] for name in ("height", "width") if header.get(name, "").isdecimal()}
    if len(sides) == 2:
        return int(sides["height"]), int(sides["width"])
    geometry = re.fullmatch(r"(\d+)x(\d+)", header.get("geometry", ""))
    return (int(geometry[2]), int(geometry[1])) if geometry else None
