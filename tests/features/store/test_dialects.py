"""What the dialects say beyond features and coordinates, and what is wrong with files of none."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.features.store import open_bag

X = np.ones((3, 2), np.float32)
AT = np.array([[0, 0], [512, 0], [0, 512]])


def save(path: Path, attributes: dict[str, dict[str, object]] | None = None, **values: object) -> Path:
    with h5py.File(path, "w") as file:
        for name, value in values.items():
            file[name] = value
        for name, told in (attributes or {}).items():
            (file if name == "file" else file[name]).attrs.update(told)
    return path


def test_trident_knows_its_overlap(tmp_path: Path) -> None:
    told = {"patch_size": 256, "patch_size_level0": 512, "overlap": 64, "name": "s"}
    path = save(tmp_path / "a.h5", {"coords": told, "features": {"encoder": "uni_v1"}}, features=X, coords=AT)
    bag = open_bag(path)
    assert (bag.patch_size_level0, bag.stride_hint, bag.encoder, bag.name) == (512, 384, "uni_v1", "s")
    assert (bag.width, bag.mpp, bag.source_mpp) == (None, None, None)
    assert bag.provenance["overlap"] == 64 and type(bag.provenance["overlap"]) is int


def test_clam_patches_at_a_coarser_level(tmp_path: Path) -> None:
    told = {"patch_size": 256, "patch_level": 1, "downsample": np.array([4.0003, 4.0])}
    told |= {"level_dim": np.array([1000, 800]), "downsampled_level_dim": np.array([1000, 800]), "name": "s"}
    bag = open_bag(save(tmp_path / "a.h5", {"coords": told}, features=X, coords=AT))
    assert (bag.dialect, bag.patch_size_level0, bag.stride_hint) == ("clam", 1024, 1024)
    assert (bag.width, bag.height) == (4000, 3200)


def test_clam_features_say_nothing_of_their_patches(tmp_path: Path) -> None:
    """Its ``h5_files`` come without attributes."""
    bag = open_bag(save(tmp_path / "a.h5", features=X, coords=AT))
    assert (bag.dialect, bag.patch_size_level0, bag.stride_hint) == ("clam", None, None)


def test_stamp_needs_the_resolution_for_its_places(tmp_path: Path) -> None:
    told = {"unit": "um", "tile_size_um": 256.0, "tile_size_px": 224, "extractor": "ctranspath"}
    path = save(tmp_path / "a.h5", {"file": told}, feats=X, coords=AT / 2)
    bag = open_bag(path, mpp=0.25)
    assert (bag.patch_size_level0, bag.stride_hint, bag.encoder) == (1024, 1024, "ctranspath")
    assert bag.mpp == pytest.approx(256 / 224) and bag.source_mpp == 0.25
    np.testing.assert_array_equal(bag.coords, AT * 2)
    placeless = open_bag(path)
    assert placeless.load().shape == (3, 2)
    with pytest.raises(BadInput, match=r"a\.h5: .*in micrometres.*table's column mpp.*--source-mpp"):
        placeless.coords  # noqa: B018


def test_stamp_rounds_to_the_nearest_pixel(tmp_path: Path) -> None:
    told = {"unit": "um", "tile_size_um": 256.0}
    at = np.array([[767.99999, 0.2], [256.00001, 511.9]])
    bag = open_bag(save(tmp_path / "a.h5", {"file": told}, feats=X[:2], coords=at), mpp=1.0)
    np.testing.assert_array_equal(bag.coords, [[768, 0], [256, 512]])


def test_stamp_of_before_units(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not say that its coordinates are in micrometres"):
        open_bag(save(tmp_path / "a.h5", feats=X, coords=AT / 2), mpp=0.5)


def test_span_sits_on_its_lattice(tmp_path: Path) -> None:
    bag = open_bag(save(tmp_path / "a.h5", feats=X, cords=AT.astype(np.float64), ratios=1.0))
    assert (bag.dialect, bag.patch_size_level0, bag.stride_hint) == ("span", 224, 224)
    assert bag.coords.dtype == np.int64


TRIDENT = {"patch_size": 256, "patch_size_level0": 512, "overlap": 0}
CLAM = {"patch_size": 256, "downsample": 1.0}
STAMP = {"unit": "um", "tile_size_um": 256.0, "tile_size_px": 224}


@pytest.mark.parametrize(
    ("of_coords", "of_file", "name"),
    [
        *((TRIDENT | {"patch_size_level0": each}, {}, "patch_size_level0") for each in (np.nan, "512", [512, 512], 0)),
        (TRIDENT | {"patch_size_level0": h5py.Empty("f")}, {}, "patch_size_level0"),
        *((TRIDENT | {"patch_size": each}, {}, "patch_size") for each in (0, "256")),
        *((TRIDENT | {"overlap": each}, {}, "overlap") for each in ("none", -1)),
        *((TRIDENT, {"mpp": each}, "mpp") for each in ("0.5", 0.0, np.nan)),
        (TRIDENT, {"source_mpp": "0.25"}, "source_mpp"),
        (TRIDENT, {"stride_level0": "448"}, "stride_level0"),
        (CLAM | {"patch_size": "256"}, {}, "patch_size"),
        (CLAM | {"downsample": "1"}, {}, "downsample"),
        (CLAM | {"downsample": [1.0, 2.0, 3.0]}, {}, "downsample"),
    ],
)
def test_attributes_that_make_no_sense(
    tmp_path: Path, of_coords: dict[str, object], of_file: dict[str, object], name: str
) -> None:
    path = save(tmp_path / "a.h5", {"coords": of_coords, "file": of_file}, features=X, coords=AT)
    with pytest.raises(BadInput, match=rf"^{path}: its attribute {name} is .*, which is no .*\. Correct") as caught:
        open_bag(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "name"),
    [({"tile_size_px": 0}, "tile_size_px"), ({"tile_size_um": "256"}, "tile_size_um"), ({"tile_size_um": 0.0}, "size")],
)
def test_stamps_attributes_that_make_no_sense(tmp_path: Path, changes: dict[str, object], name: str) -> None:
    path = save(tmp_path / "a.h5", {"file": STAMP | changes}, feats=X, coords=AT / 2)
    for mpp in (None, 0.25):
        with pytest.raises(BadInput, match=rf"^{path}: its attribute .*{name}.* is .*, which is no number above zero"):
            open_bag(path, mpp)


def test_an_overlap_of_all(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5", {"coords": TRIDENT | {"overlap": 256}}, features=X, coords=AT)
    with pytest.raises(BadInput, match=r"a\.h5: .*patches of 256 pixels overlap by 256, which is all of them"):
        open_bag(path)


def test_what_only_informs_may_make_no_sense(tmp_path: Path) -> None:
    """A slide's size or name that is none is not stated."""
    clam = CLAM | {"level_dim": [1000], "name": h5py.Empty("S1")}
    bag = open_bag(save(tmp_path / "a.h5", {"coords": clam}, features=X, coords=AT))
    assert (bag.patch_size_level0, bag.width, bag.height, bag.name) == (256, None, None, "a")
    trident = TRIDENT | {"level0_width": "wide", "level0_height": np.nan, "name": 3}
    told = {"coords": trident, "features": {"encoder": [1, 2]}}
    bag = open_bag(save(tmp_path / "b.h5", told, features=X, coords=AT))
    assert (bag.width, bag.height, bag.name, bag.encoder) == (None, None, "b", "")


def test_an_axis_of_length_one_in_front_is_none(tmp_path: Path) -> None:
    values = {"features": X[None], "coords": AT[None]}
    bag = open_bag(save(tmp_path / "a.h5", {"coords": TRIDENT}, **values))
    assert (len(bag), bag.dim) == X.shape
    np.testing.assert_array_equal(bag.coords, AT)
    np.testing.assert_array_equal(bag.load(), X)


def test_coordinates_of_any_whole_numbers(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    for kind in (np.uint64, np.uint16, np.int32, np.float32):
        bag = open_bag(save(tmp_path / "a.h5", features=X, coords=AT.astype(kind)))
        assert bag.coords.dtype == np.int64
        np.testing.assert_array_equal(bag.coords, AT)
    for far in (np.array(-1).astype(np.uint64), np.int64(2**62), 1e300):
        at = np.full((3, 2), far)
        for told, names in (({}, ("features", "coords")), ({"file": STAMP}, ("feats", "coords"))):
            path = save(tmp_path / "b.h5", told, **dict(zip(names, (X, at), strict=True)))
            with pytest.raises(BadInput, match=r"b\.h5: the coordinates lie beyond 2\^52 base pixels\. Check"):
                open_bag(path, mpp=0.5)
    assert not recwarn


def with_nan() -> np.ndarray:
    at = AT.astype(float)
    at[1, 1] = np.nan
    return at


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda: {"features": X, "coords": AT[:2]}, "holds 3 features but 2 coordinates"),
        (lambda: {"feats": X, "cords": AT[:1]}, "holds 3 features but 1 coordinates"),
        (lambda: {"features": X[0], "coords": AT}, r"the features are \(2,\) float32, not a table"),
        (lambda: {"features": X.astype(int), "coords": AT}, r"the features are \(3, 2\) int64, not a table"),
        (lambda: {"features/a": X, "coords": AT}, r"the features are a group"),
        (lambda: {"features": np.stack([X, X]), "coords": AT}, r"the features are \(2, 3, 2\) float32, not a table"),
        (lambda: {"features": X, "coords": np.stack([AT, AT])}, r"the coordinates are \(2, 3, 2\), not pairs"),
        (lambda: {"features": X, "coords/a": AT}, r"the coordinates are a group"),
        (lambda: {"features": X, "coords": AT.T}, r"the coordinates are \(2, 3\), not pairs"),
        (lambda: {"features": X, "coords": with_nan()}, "the coordinates are not all numbers"),
        (lambda: {"features": X, "coords": AT + 0.5}, "the coordinates are not whole pixels"),
        (lambda: {"coords": AT}, "holds coordinates but no features"),
        (lambda: {"features": X}, "of no known dialect: it holds features, not"),
        (lambda: {"a": 1, "b": 2}, "of no known dialect: it holds a, b, not"),
        (dict, "of no known dialect: it holds nothing, not"),
    ],
)
def test_files_of_no_dialect(tmp_path: Path, values: Callable[[], dict[str, object]], message: str) -> None:
    path = save(tmp_path / "a.h5", **values())
    with pytest.raises(BadInput, match=rf"^{path}: .*{message}.*\. [A-Z]") as caught:
        open_bag(path)
    assert "\n" not in str(caught.value)
