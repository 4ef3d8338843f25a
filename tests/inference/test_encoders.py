"""Encoders by name, wherever they live."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.features.encoders.colour_texture import ColourTexture
from saccade.inference.encoders import open_encoder
from tests.inference.test_cell_encoder import save


def test_each_kind(tmp_path: Path) -> None:
    assert isinstance(open_encoder("colour-texture"), ColourTexture)
    assert open_encoder(lambda patches: patches.mean((1, 2))).dim == 3
    assert open_encoder(f"saccade:{save(tmp_path / 'run')}")(np.zeros((2, 224, 224, 3), np.uint8)).shape == (2, 64)


def test_errors_name_the_encoder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such folder"):
        open_encoder(f"saccade:{tmp_path / 'none'}")
    with pytest.raises(BadInput, match="unknown encoder 'nothing'"):
        open_encoder("nothing")
    with pytest.raises(BadInput, match="takes no file of weights"):
        open_encoder("saccade:run", tmp_path / "w.pth")
