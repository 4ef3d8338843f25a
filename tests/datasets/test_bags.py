"""Bags are joined to labels by slide, never by a stem that two folders share, and travel to workers."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from saccade.core.errors import BadInput
from saccade.core.manifest import inspect_labels
from saccade.datasets.bags import Bags, join_bags, open_bags
from saccade.features.store import BagAttributes, BagWriter


def embed(path: Path, name: str, value: float = 1.0, rows: int = 3) -> None:
    """A bag as ``saccade embed`` leaves it: the slide's path relative to its folder is inside."""
    told = BagAttributes(name, patch_size=224, patch_size_level0=224, mpp=0.5, source_mpp=0.5, encoder="mean")
    with BagWriter(path, rows=rows, dim=2, coords=np.zeros((rows, 2), int), attributes=told) as writer:
        writer.put(0, np.full((rows, 2), value, np.float32))


def label(folder: Path, text: str) -> Path:
    (folder / "labels.csv").write_text(text)
    return folder / "labels.csv"


def values(bags: Bags) -> list[float]:
    return [float(bags[index].load()[0, 0]) for index in range(len(bags))]


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Two slides of one name in two folders, and a third."""
    home = tmp_path / "job" / "20x_224px_0px_overlap" / "features_mean"
    embed(home / "s.h5", "a/s.svs", 1)
    embed(home / "s__0f3c.h5", "b/s.svs", 2)
    embed(home / "TCGA-1.2.h5", "TCGA-1.2.svs", 3)
    embed(tmp_path / "job" / "20x_224px_0px_overlap" / "patches" / "s_patches.h5", "a/s.svs")
    return tmp_path / "job"


def test_join_by_path(job: Path, tmp_path: Path) -> None:
    table = label(tmp_path, "path,label,split\nb/s.svs,y,test\nTCGA-1.2.svs,y,train\na/s.svs,x,train\n")
    for folder in (job, job / "20x_224px_0px_overlap", job / "20x_224px_0px_overlap" / "features_mean"):
        bags = open_bags(table, folder)
        assert values(bags) == [2, 3, 1] and bags.labels == (1, 1, 0) and len(bags) == 3
    part = bags.part("train")
    assert values(part) == [3, 1] and part.labels == (1, 0) and part.manifest.classes == ("x", "y")
    with pytest.raises(BadInput, match="no images in the part 'val'"):
        bags.part("val")


def test_features_of_whole_slides_are_no_bags(job: Path, tmp_path: Path) -> None:
    """TRIDENT lays the vectors of its slide encoders beside the patches' features, under the same names."""
    embed(job / "20x_224px_0px_overlap" / "slide_features_titan" / "TCGA-1.2.h5", "TCGA-1.2", 9)
    assert values(open_bags(label(tmp_path, "slide_id,label\nTCGA-1.2,x\n"), job)) == [3]


@pytest.mark.parametrize(
    "name", ["TCGA-1.2", "TCGA-1.2.svs", "far/TCGA-1.2.svs", "TCGA-1.2.h5", "/data/x/TCGA-1.2.svs"]
)
def test_join_by_id(job: Path, tmp_path: Path, name: str) -> None:
    assert values(open_bags(label(tmp_path, f"slide_id,label\n{name},x\n"), job)) == [3]


@pytest.mark.parametrize("name", ["TCGA-1", "TCGA-1.3", "TCGA-1.2.extra.svs", "t", "c/s.svs"])
def test_no_features(job: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=rf"row 2\): there are no features of '{name}'\. Embed it"):
        open_bags(label(tmp_path, f"slide_id,label\n{name},x\n"), job)


def test_a_stem_that_two_slides_share(job: Path, tmp_path: Path) -> None:
    table = label(tmp_path, "slide_id,label\ns,x\nTCGA-1.2,y\n")
    with pytest.raises(BadInput, match=r"row 2\): 's' could mean .*s\.h5 and .*s__0f3c\.h5. Write the slide's folder"):
        open_bags(table, job)
    bags, problems = join_bags(inspect_labels(table)[0], job)
    assert values(bags) == [3] and len(problems) == 1


def test_the_only_bag_of_a_stem_is_another_slides(tmp_path: Path) -> None:
    embed(tmp_path / "features_mean" / "s.h5", "a/s.svs")
    with pytest.raises(BadInput, match="no features of 'b/s.svs'"):
        open_bags(label(tmp_path, "path,label\nb/s.svs,x\n"), tmp_path)


def test_two_rows_of_one_bag(job: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"row 3\): means the same features as row 2"):
        open_bags(label(tmp_path, "slide_id,label\nTCGA-1.2,x\nTCGA-1.2.svs,y\n"), job)


def test_files_that_say_nothing_are_known_by_their_place(tmp_path: Path) -> None:
    for place, value in (("a/s", 1), ("b/s", 2), ("c", 3)):
        path = tmp_path / "stamp" / f"{place}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            file["feats"], file["coords"] = np.full((2, 2), value, np.float16), np.array([[0.0, 0.0], [256.0, 0.0]])
            file.attrs.update({"unit": "um", "tile_size_um": 256.0})
    table = label(tmp_path, "path,label,mpp\nb/s.svs,x,0.25\nc.svs,y,\n")
    bags = open_bags(table, tmp_path / "stamp")
    assert values(bags) == [2, 3]
    assert bags[0].coords[1].tolist() == [1024, 0]  # placed by the row's resolution
    with pytest.raises(BadInput, match="table's column mpp"):
        bags[1].coords  # noqa: B018


def test_clams_folders(tmp_path: Path) -> None:
    for folder in ("h5_files", "pt_files"):
        (tmp_path / folder).mkdir()
    with h5py.File(tmp_path / "h5_files" / "s.h5", "w") as file:
        file["features"], file["coords"] = np.ones((2, 2), np.float32), np.zeros((2, 2), int)
    for name in ("s", "t"):
        torch.save(torch.ones(2, 2) * 5, tmp_path / "pt_files" / f"{name}.pt")
    bags = open_bags(label(tmp_path, "slide_id,label\ns,x\nt,y\n"), tmp_path)
    assert [path.suffix for path in bags.paths] == [".h5", ".pt"] and values(bags) == [1, 5]


def test_folders_that_will_not_do(job: Path, tmp_path: Path) -> None:
    table = label(tmp_path, "slide_id,label\ns,x\n")
    with pytest.raises(BadInput, match="there is no such folder"):
        open_bags(table, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="holds no feature files"):
        open_bags(table, tmp_path / "empty")
    embed(job / "20x_224px_0px_overlap" / "features_uni" / "s.h5", "a/s.svs")
    with pytest.raises(
        BadInput, match=r"features of several kinds: .*/features_mean, .*/features_uni. Give the folder"
    ):
        open_bags(table, job)


def test_half_written_and_damaged_files(job: Path, tmp_path: Path) -> None:
    home = job / "20x_224px_0px_overlap" / "features_mean"
    (home / ".t.h5.partial").write_bytes(b"half")
    (home / ".hidden.h5").write_bytes(b"half")
    (home / "t.h5").write_bytes(b"damaged")
    bags = open_bags(label(tmp_path, "slide_id,label\nt,x\nTCGA-1.2,y\n"), job)
    with pytest.raises(BadInput, match=r"t\.h5: is no HDF5 file"):
        bags[0]
    assert values(bags.take([1])) == [3]


def _loaded(batch: list[np.ndarray]) -> list[float]:
    return [float(each.load()[0, 0]) for each in batch]  # type: ignore[attr-defined]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_workers(job: Path, tmp_path: Path, workers: int) -> None:
    table = label(tmp_path, "path,label\nb/s.svs,y\nTCGA-1.2.svs,y\na/s.svs,x\n")
    bags = open_bags(table, job)
    method = "spawn" if workers == 1 else None
    loader = DataLoader(bags, batch_size=2, num_workers=workers, collate_fn=_loaded, multiprocessing_context=method)
    assert list(loader) == [[2, 3], [1]]
