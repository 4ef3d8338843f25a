"""Files that are no bags are told in one line; CLAM's tensors find their coordinates."""

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.features.store import open_bag

X = torch.arange(6.0).reshape(3, 2)
AT = np.array([[0, 0], [256, 0], [0, 256]])


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty. Give a feature file"),
        (b"a text", "is no HDF5 file. Give a feature file"),
        (zipped(), "cannot be opened"),
        (b"\x80\x02nonsense", "holds more than a tensor|cannot be opened"),
        (b"\x89HDF\r\n\x1a\nno more", "cannot be opened"),
    ],
)
def test_what_is_no_bag(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(BadInput, match=rf"a\.h5: .*({message})") as caught:
        open_bag(tmp_path / "a.h5")
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "a.h5", tmp_path):
        with pytest.raises(BadInput, match="there is no such file"):
            open_bag(path)


@pytest.mark.parametrize("mpp", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_pixels_of_no_microscope(tmp_path: Path, mpp: float) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["features"], file["coords"] = np.ones((3, 2), np.float32), AT
    with pytest.raises(BadInput, match=r"a\.h5: .* micrometres per pixel is not plausible\. Give .* 0\.05 and 5"):
        open_bag(tmp_path / "a.h5", mpp)


def test_truncated(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["features"], file["coords"] = np.ones((300, 9), np.float32), np.zeros((300, 2), int)
    whole = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "a.h5").write_bytes(whole[:-100])
    with pytest.raises(BadInput, match=r"cannot be opened \(it was cut short\)\. Copy the file again"):
        open_bag(tmp_path / "a.h5")


def save_coords(path: Path, rows: int = 3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["coords"] = AT[:rows]
        file["coords"].attrs.update({"patch_size": 256, "patch_level": 0, "name": "s"})


def test_clams_tensors_find_their_coordinates(tmp_path: Path) -> None:
    path = tmp_path / "pt_files" / "s.pt"
    path.parent.mkdir()
    torch.save(X, path)
    alone = open_bag(path)
    assert alone.load().tolist() == X.tolist()
    with pytest.raises(BadInput, match=r"s\.pt: holds features without coordinates. Keep CLAM's h5_files"):
        alone.coords  # noqa: B018
    save_coords(tmp_path / "h5_files" / "s.h5")
    bag = open_bag(path)
    np.testing.assert_array_equal(bag.coords, AT)
    assert (bag.name, bag.patch_size_level0, bag.stride_hint) == ("s", 256, 256)
    save_coords(tmp_path / "patches" / "s.h5", rows=2)
    with pytest.raises(BadInput, match=r"s\.pt: holds 3 features, but .*patches/s\.h5 2 coordinates"):
        open_bag(path, coords_from=tmp_path / "patches" / "s.h5")
    (tmp_path / "patches" / "s.h5").write_bytes(b"nonsense")
    with pytest.raises(BadInput, match=r"patches/s\.h5: cannot be opened"):
        open_bag(path, coords_from=tmp_path / "patches" / "s.h5")
