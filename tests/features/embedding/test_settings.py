"""Settings: their folder, their hash, what has changed."""

from typing import Any

import pytest

from saccade.features.embedding.settings import EmbedSettings
from saccade.features.patching import PatchSettings
from saccade.imaging.tissue.settings import TissueSettings

PLAIN = EmbedSettings({"name": "mean", "version": "1"})


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"encoder": {"name": "mean", "version": "2"}}, "encoder.version"),
        ({"patches": PatchSettings(overlap=112)}, "patches.overlap"),
        ({"tissue": TissueSettings(drop_pen=False)}, "tissue.drop_pen"),
        ({"source_mpp": 0.25}, "source_mpp"),
        ({"half": True}, "half"),
    ],
)
def test_whatever_decides_a_bag_changes_the_hash(changes: dict[str, Any], name: str) -> None:
    other = EmbedSettings(**{"encoder": PLAIN.encoder, **changes})
    assert other.hash() != PLAIN.hash() and other.changes(PLAIN.as_dict()) == [name]
    assert PLAIN.changes(PLAIN.as_dict()) == [] and EmbedSettings(dict(PLAIN.encoder)).hash() == PLAIN.hash()


def test_folders() -> None:
    assert (PLAIN.folder, PLAIN.features) == ("20x_224px_0px_overlap", "features_mean")
    assert (
        EmbedSettings(PLAIN.encoder, PatchSettings(mpp=0.25, patch=256, overlap=64)).folder == "40x_256px_64px_overlap"
    )
