"""What decides a bag's content, in one value that can be hashed: same settings and same file, same bag."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from saccade.features.patching import PatchSettings
from saccade.imaging.tissue.settings import TissueSettings

_OPTICS = 10.0  # magnification times micrometres per pixel: 20x is 0.5


@dataclass(frozen=True)
class EmbedSettings:
    """How slides become bags.

    >>> settings = EmbedSettings({"name": "colour-texture"})
    >>> settings.folder, settings.features
    ('20x_224px_0px_overlap', 'features_colour-texture')

    Attributes:
        encoder: Name and facts of the encoder: version, normalisation, the weights' hash.
        patches: Their resolution, size, overlap and least share of tissue.
        tissue: How tissue is found.
        source_mpp: Micrometres per base pixel of files that state none.
        half: Store features in 16 bits.
    """

    encoder: dict[str, Any]
    patches: PatchSettings = field(default_factory=PatchSettings)
    tissue: TissueSettings = field(default_factory=TissueSettings)
    source_mpp: float | None = None
    half: bool = False

    @property
    def folder(self) -> str:
        """Name of the folder of a resolution, as torchmil and Patho-Bench look for it."""
        patches = self.patches
        overlap = patches.patch - patches.stride
        return f"{_OPTICS / patches.mpp:g}x_{patches.patch}px_{overlap}px_overlap"

    @property
    def features(self) -> str:
        """Name of the folder of features in it."""
        return f"features_{self.encoder['name']}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for YAML and JSON."""
        return asdict(self)

    def hash(self) -> str:
        """Sixteen hexadecimal digits that differ where a bag might."""
        text = json.dumps(self.as_dict(), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def changes(self, other: dict[str, Any]) -> list[str]:
        """Names of what differs from settings once written, such as ``patches.overlap``."""
        mine, theirs = _flat(self.as_dict()), _flat(other)
        return sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key))


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, keys joined by points; what JSON cannot tell apart is made alike."""
    if not isinstance(value, dict):
        return {prefix[:-1]: list(value) if isinstance(value, tuple) else value}
    return {key: each for name, inner in value.items() for key, each in _flat(inner, f"{prefix}{name}.").items()}
