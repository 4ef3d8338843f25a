"""What a bag says about itself: TRIDENT's attributes, and where its features came from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import saccade
from saccade.core.units import magnification


@dataclass(frozen=True)
class BagAttributes:
    """Everything a bag holds beside features and coordinates.

    The first eleven become the attributes other tools expect (``on_coords``, ``on_features``), the rest provenance
    (``on_file``), by which a later run can tell whether the file is still what it would write.

    >>> told = BagAttributes("a.svs", patch_size=224, patch_size_level0=448, mpp=0.5, source_mpp=0.25, encoder="mean")
    >>> told.on_coords()["target_magnification"], told.on_coords()["level0_magnification"], told.stride_level0
    (20, 40, 448)

    Attributes:
        name: The slide, as it is called in the job: its path relative to the folder of slides.
        patch_size: Side of a patch at the resolution read, in that resolution's pixels.
        patch_size_level0: Side of a patch in base pixels.
        mpp: Micrometres per pixel at which patches were read.
        source_mpp: Micrometres per base pixel.
        level0_width: Width of the slide in base pixels; 0 where unknown.
        level0_height: Height of the slide in base pixels; 0 where unknown.
        overlap: Pixels that neighbours share along a side, at the resolution read.
        stride_level0: Base pixels between neighbours; worked out from patch and overlap where not given.
        folder: Where the file was saved to.
        encoder: Name of the encoder; empty in a file of coordinates alone.
        encoder_facts: Its version, weights and so on, as plain values.
        source: The slide file or folder.
        source_size: Its bytes; 0 where unknown.
        source_time: When it was last changed, in UTC; empty where unknown.
        settings_hash: Fingerprint of the settings that decide the content.
        extra: Further plain values.
        simulated: Whether the slide says that a program made it; said of those alone.
    """

    name: str
    patch_size: int
    patch_size_level0: int
    mpp: float
    source_mpp: float
    level0_width: int = 0
    level0_height: int = 0
    overlap: int = 0
    stride_level0: int = 0
    folder: str = ""
    encoder: str = ""
    encoder_facts: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    source_size: int = 0
    source_time: str = ""
    settings_hash: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    simulated: bool = False

    def __post_init__(self) -> None:
        if not self.stride_level0:
            object.__setattr__(self, "stride_level0", stride_of(self.patch_size, self.patch_size_level0, self.overlap))

    def on_coords(self) -> dict[str, Any]:
        """The attributes of ``coords``, by TRIDENT's names."""
        return {
            "patch_size": self.patch_size,
            "patch_size_level0": self.patch_size_level0,
            "level0_magnification": magnification(self.source_mpp),
            "target_magnification": magnification(self.mpp),
            "overlap": self.overlap,
            "name": self.name,
            "savetodir": self.folder,
            "level0_width": self.level0_width,
            "level0_height": self.level0_height,
        }

    def on_features(self) -> dict[str, Any]:
        """The attributes of ``features``, by TRIDENT's names."""
        return {"name": self.name, "savetodir": self.folder, "encoder": self.encoder}

    def on_file(self) -> dict[str, Any]:
        """The provenance; what HDF5 has no type for is JSON."""
        return {
            "saccade_version": saccade.__version__,
            "encoder": self.encoder,
            "encoder_version": str(self.encoder_facts.get("version", "")),
            "encoder_facts": as_json(self.encoder_facts),
            "mpp": self.mpp,
            "source_mpp": self.source_mpp,
            "stride_level0": self.stride_level0,
            "source": self.source,
            "source_size": self.source_size,
            "source_time": self.source_time,
            "settings_hash": self.settings_hash,
            "extra": as_json(self.extra),
            **({"simulated": True} if self.simulated else {}),
        }


def stride_of(patch_size: int, patch_size_level0: int, overlap: int) -> int:
    """Base pixels between neighbouring patches, as far as the attributes tell: the coordinates may know better.

    >>> stride_of(patch_size=256, patch_size_level0=512, overlap=64)
    384
    """
    return round(patch_size_level0 * (patch_size - overlap) / patch_size)


def source_facts(path: Path | str) -> dict[str, Any]:
    """What tells a changed slide from an unchanged one, as fields of ``BagAttributes``.

    A folder, such as a DICOM series, counts the bytes of its files and the time of the latest.
    """
    path = Path(path)
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    stats = [file.stat() for file in files]
    latest = max((stat.st_mtime for stat in stats), default=0.0)
    time = datetime.fromtimestamp(latest, UTC).isoformat(timespec="milliseconds")
    return {"source": str(path), "source_size": sum(stat.st_size for stat in stats), "source_time": time}


def as_json(values: Mapping[str, Any]) -> str:
    """Plain values as one line of text, the same for equal values whatever their order."""
    return json.dumps(dict(values), sort_keys=True, ensure_ascii=False)


def from_json(text: object) -> dict[str, Any]:
    """What ``as_json`` made a text of; nothing where a file says something else, or nothing.

    >>> from_json(as_json({"dim": 76})), from_json("none"), from_json(None)
    ({'dim': 76}, {}, {})
    """
    try:
        values = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
