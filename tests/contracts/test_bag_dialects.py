"""Every dialect of feature files, written here by plain h5py as its own tool writes it, opens to the same bag."""

import multiprocessing
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.features.store import Bag, BagAttributes, BagWriter, open_bag

ROWS, DIM, PATCH, MPP = 7, 5, 224, 0.5
FEATURES = np.random.default_rng(0).normal(size=(ROWS, DIM)).astype(np.float32)
CELLS = np.array([[0, 0], [1, 0], [2, 0], [0, 1], [3, 4], [4, 4], [9, 9]])
COORDS = CELLS * PATCH


def write_ours(path: Path, rows: int = ROWS) -> None:
    told = BagAttributes("s.svs", PATCH, PATCH, MPP, MPP, 3000, 2500, encoder="mean")
    with BagWriter(path, rows=rows, dim=DIM, coords=COORDS[:rows], attributes=told) as writer:
        writer.put(0, FEATURES[:rows])


def write_trident(path: Path, rows: int = ROWS) -> None:
    """``save_h5`` of TRIDENT: growing datasets of one-row chunks."""
    told = {
        "patch_size": PATCH,
        "patch_size_level0": PATCH,
        "level0_magnification": 20,
        "target_magnification": 20,
        "overlap": 0,
        "name": "s",
        "savetodir": "/job",
        "level0_width": 3000,
        "level0_height": 2500,
    }
    with h5py.File(path, "w") as file:
        for name, values, attributes in (
            ("features", FEATURES[:rows], {"name": "s", "savetodir": "/job", "encoder": "uni_v1"}),
            ("coords", COORDS[:rows], told),
        ):
            placed = file.create_dataset(
                name, data=values, maxshape=(None, *values.shape[1:]), chunks=(1, *values.shape[1:])
            )
            placed.attrs.update(attributes)


def write_clam(path: Path, rows: int = ROWS) -> None:
    told = {"patch_size": PATCH, "patch_level": 0, "downsample": np.array([1.0, 1.0]), "level_dim": (3000, 2500)}
    told |= {"downsampled_level_dim": (3000, 2500), "name": "s", "save_path": "/patches"}
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=FEATURES[:rows], maxshape=(None, DIM), chunks=(1, DIM))
        file.create_dataset("coords", data=COORDS[:rows].astype(np.int32)).attrs.update(told)


def write_clam_untold(path: Path, rows: int = ROWS) -> None:
    """``extract_features_fp.py`` of CLAM: growing datasets without any attribute."""
    with h5py.File(path, "w") as file:
        for name, values in (("features", FEATURES[:rows]), ("coords", COORDS[:rows].astype(np.int32))):
            width = values.shape[1]
            file.create_dataset(name, data=values, maxshape=(None, width), chunks=(1, width))


def write_clam_tensor(path: Path, rows: int = ROWS, beside: Callable[..., None] = write_clam) -> None:
    """``pt_files/s.pt`` beside ``h5_files/s.h5``."""
    (path.parent.parent / "h5_files").mkdir(exist_ok=True)
    beside(path.parent.parent / "h5_files" / f"{path.stem}.h5", rows)
    torch.save(torch.from_numpy(FEATURES[:rows]), path)


def write_stamp(path: Path, rows: int = ROWS) -> None:
    with h5py.File(path, "w") as file:
        file["coords"] = COORDS[:rows] * MPP
        file["feats"] = FEATURES[:rows].astype(np.float16)
        told = {"stamp_version": "2.3.0", "extractor": "ctranspath", "unit": "um", "tile_size_um": PATCH * MPP}
        file.attrs.update(told | {"tile_size_px": PATCH, "code_hash": "0a", "feat_type": "tile"})


def write_span(path: Path, rows: int = ROWS) -> None:
    with h5py.File(path, "w") as file:
        file["feats"] = FEATURES[:rows]
        file["cords"] = COORDS[:rows].astype(np.float32)
        file["label"] = 1


WRITERS: dict[str, tuple[str, Callable[..., None]]] = {
    "ours": ("trident", write_ours),
    "trident": ("trident", write_trident),
    "clam": ("clam", write_clam),
    "clam untold": ("clam", write_clam_untold),
    "clam-pt": ("clam-pt", write_clam_tensor),
    "clam-pt untold": ("clam-pt", partial(write_clam_tensor, beside=write_clam_untold)),
    "stamp": ("stamp", write_stamp),
    "span": ("span", write_span),
}

UNTOLD = ("clam untold", "clam-pt untold")
"""Those whose files say nothing of their patches: only the coordinates tell how far apart they are."""


@pytest.fixture(params=WRITERS)
def tool(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def bag_path(tool: str, tmp_path: Path) -> Path:
    """A file whose name tells nothing."""
    path = tmp_path / "some_files" / "s.bin"
    path.parent.mkdir()
    WRITERS[tool][1](path)
    return path


def test_all_open_to_the_same_bag(tool: str, bag_path: Path) -> None:
    bag = open_bag(bag_path, mpp=MPP)
    assert bag.dialect == WRITERS[tool][0]
    assert len(bag) == ROWS and bag.dim == DIM
    assert bag.coords.dtype == np.int64
    np.testing.assert_array_equal(bag.coords, COORDS)
    exact = FEATURES.astype(bag.features.dtype)
    np.testing.assert_array_equal(bag.features[:], exact)
    np.testing.assert_array_equal(bag.load(), exact.astype(np.float32))
    assert bag.load().dtype == np.float32
    bag.check()
    assert bag.patch_size_level0 == bag.stride_hint == (None if tool in UNTOLD else PATCH)
    assert bag.source_mpp == MPP
    if tool in ("ours", "trident", "clam", "clam-pt"):
        assert (bag.width, bag.height) == (3000, 2500)


def test_all_lie_on_the_same_lattice(bag_path: Path) -> None:
    """Which is in raster order, as the patches were written."""
    lattice = open_bag(bag_path, mpp=MPP).lattice()
    assert (lattice.origin, lattice.stride, lattice.patch) == ((0, 0), PATCH, PATCH)
    np.testing.assert_array_equal(lattice.cells, CELLS)
    np.testing.assert_array_equal(lattice.order, np.arange(ROWS))
    np.testing.assert_array_equal(lattice.coords, COORDS)


def test_rows_are_those_numpy_would_give(bag_path: Path) -> None:
    features = open_bag(bag_path, mpp=MPP).features
    values = FEATURES.astype(features.dtype)
    mask = np.array([1, 0, 0, 1, 1, 0, 0], bool)
    for rows in (slice(2, 5), slice(None, None, -1), slice(5, 1, -2), 3, -1, [6, 0, 0, 3], np.array([], int), mask):
        np.testing.assert_array_equal(features[rows], values[rows])
    np.testing.assert_array_equal(np.asarray(features), values)


def test_slides_without_tissue(tool: str, tmp_path: Path) -> None:
    path = tmp_path / "some_files" / "s.bin"
    path.parent.mkdir()
    WRITERS[tool][1](path, rows=0)
    bag = open_bag(path, mpp=MPP)
    assert len(bag) == 0 and bag.load().shape == (0, DIM) and bag.coords.shape == (0, 2)
    assert len(bag.lattice()) == 0
    bag.check()


def _sum_of(bag: Bag) -> float:
    return float(bag.load().sum())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_bags_travel_to_other_processes(tmp_path: Path, method: str) -> None:
    bags = []
    for tool, (_, write) in WRITERS.items():
        (tmp_path / tool / "some_files").mkdir(parents=True)
        write(tmp_path / tool / "some_files" / "s.bin")
        bags.append(open_bag(tmp_path / tool / "some_files" / "s.bin", mpp=MPP))
    totals = [_sum_of(bag) for bag in bags]  # read here before the others begin
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(_sum_of, bags * 2) == totals * 2


def test_bags_can_be_pickled(bag_path: Path) -> None:
    bag = open_bag(bag_path, mpp=MPP)
    again = pickle.loads(pickle.dumps(bag))
    np.testing.assert_array_equal(again.features[2:4], bag.features[2:4])
    np.testing.assert_array_equal(again.coords, bag.coords)


def test_replaced_files_are_noticed(tool: str, bag_path: Path) -> None:
    bag = open_bag(bag_path, mpp=MPP)
    WRITERS[tool][1](bag_path, rows=3)
    with pytest.raises(BadInput, match="has changed since it was opened"):
        bag.load()


def test_cut_files_are_one_line(bag_path: Path) -> None:
    whole = bag_path.read_bytes()
    for length in (0, 3, 40, len(whole) // 2, len(whole) - 8):
        bag_path.write_bytes(whole[:length])
        with pytest.raises(BadInput, match=r"s\.bin: .*[Cc]opy (it|the file) again") as caught:
            open_bag(bag_path, mpp=MPP).load()
        assert "\n" not in str(caught.value)


def test_our_own_file_is_what_tridents_readers_expect(tmp_path: Path) -> None:
    """The table of the layout, checked by plain h5py."""
    told = BagAttributes(
        "a/s.svs",
        patch_size=256,
        patch_size_level0=512,
        mpp=0.5,
        source_mpp=0.25,
        level0_width=100_000,
        level0_height=80_000,
        overlap=64,
        folder="job/features_mean",
        encoder="mean",
        encoder_facts={"version": "3", "dim": DIM},
        source="a/s.svs",
        source_size=12,
        source_time="2024-01-01T00:00:00+00:00",
        settings_hash="cafe",
    )
    with BagWriter(tmp_path / "s.h5", rows=ROWS, dim=DIM, coords=COORDS, attributes=told) as writer:
        writer.put(0, FEATURES)
    with h5py.File(tmp_path / "s.h5") as file:
        assert set(file) == {"features", "coords"}
        features, coords = file["features"], file["coords"]
        assert features.shape == (ROWS, DIM) and features.dtype == np.float32
        assert coords.shape == (ROWS, 2) and coords.dtype == np.int64
        np.testing.assert_array_equal(features[:], FEATURES)
        np.testing.assert_array_equal(coords[:], COORDS)
        assert dict(coords.attrs) == {
            "patch_size": 256,
            "patch_size_level0": 512,
            "level0_magnification": 40,
            "target_magnification": 20,
            "overlap": 64,
            "name": "a/s.svs",
            "savetodir": "job/features_mean",
            "level0_width": 100_000,
            "level0_height": 80_000,
        }
        assert dict(features.attrs) == {"name": "a/s.svs", "savetodir": "job/features_mean", "encoder": "mean"}
        of_file = dict(file.attrs)
    assert {"encoder": "mean", "encoder_version": "3", "mpp": 0.5, "source_mpp": 0.25}.items() <= of_file.items()
    assert {"source_size": 12, "settings_hash": "cafe", "stride_level0": 384}.items() <= of_file.items()
    assert of_file["encoder_facts"] == '{"dim": 5, "version": "3"}' and of_file["saccade_version"]
