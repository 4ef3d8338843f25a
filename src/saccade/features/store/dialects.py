"""The dialects of feature files, told apart by what is in them, each to a ``Bag``.

- TRIDENT: ``features``, and ``coords`` with ``patch_size_level0``, in base pixels.
- CLAM: ``features``, and ``coords`` with ``patch_level`` or nothing, in base pixels.
- STAMP: ``feats``, and ``coords`` in micrometres.
- SPAN: ``feats``, and ``cords`` in pixels on a lattice of 224.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Int

from saccade.core.errors import BadInput
from saccade.features.store.attributes import stride_of
from saccade.features.store.bag import Bag
from saccade.features.store.stored import StoredFeatures

_AGAIN = "copy the file again, or embed this slide again"
_SPAN_PATCH = 224
_MPP_REMEDY = "give micrometres per base pixel: the manifest's mpp column, or --source-mpp"


def bag_in(file: h5py.File, path: Path, mpp: float | None) -> Bag:
    """The bag of an open file, whatever its dialect.

    Raises:
        BadInput: The file is of no dialect, or its parts do not fit together.
    """
    features, coords = _names(file, path)
    dialect = _dialect(file, features, coords)
    return dialect(file, path, mpp)


def coords_in(file: h5py.File, path: Path) -> tuple[Int[np.ndarray, "patch 2"], dict[str, Any]]:
    """Coordinates in base pixels, and their attributes, as TRIDENT and CLAM keep them; also in files without features.

    Raises:
        BadInput: There are none.
    """
    if "coords" not in file:
        raise BadInput(f"holds no coords, only {_held(file)}", "give the coordinates of this slide", str(path))
    return _whole(_pairs(file["coords"], path), path), attributes_of(file["coords"])


def clam_facts(told: Mapping[str, Any]) -> dict[str, Any]:
    """What CLAM's attributes say of patches and slide, as fields of a ``Bag``; empty where they say nothing."""
    if "patch_size" not in told:
        return {}
    scale = np.broadcast_to(np.asarray(told.get("downsample", 1.0), float), 2)
    size = round(told["patch_size"] * float(scale[0]))
    facts = {"patch_size_level0": size, "stride_hint": size}  # CLAM's patches do not overlap unless asked to
    if "level_dim" in told:
        width, height = (round(side * factor) for side, factor in zip(told["level_dim"], scale, strict=True))
        facts |= {"width": width, "height": height}
    return facts


def attributes_of(place: Any) -> dict[str, Any]:
    """Attributes of a file or dataset as plain values."""
    return {name: _plain(value) for name, value in place.attrs.items()}


def _names(file: h5py.File, path: Path) -> tuple[str, str]:
    """What features and coordinates are called here."""
    features = next((name for name in ("features", "feats") if name in file), "")
    coords = next((name for name in ("coords", "cords") if name in file), "")
    if coords and not features:
        remedy = "give the file of features; coordinates alone are no bag"
        raise BadInput("holds coordinates but no features", remedy, str(path))
    if not (features and coords):
        remedy = "give a feature file of TRIDENT, CLAM, STAMP, SPAN or saccade"
        message = f"is of no known dialect: it holds {_held(file)}, not features and coords"
        raise BadInput(message, remedy, str(path))
    return features, coords


def _dialect(file: h5py.File, features: str, coords: str) -> Callable[[h5py.File, Path, float | None], Bag]:
    if features == "feats":
        return _span if coords == "cords" else _stamp
    return _trident if "patch_size_level0" in file[coords].attrs else _clam


def _trident(file: h5py.File, path: Path, mpp: float | None) -> Bag:
    features = _features(file["features"], path)
    places, told = coords_in(file, path)
    of_file, of_features = attributes_of(file), attributes_of(file["features"])
    size = int(told["patch_size_level0"])
    stride = of_file.get("stride_level0") or stride_of(told.get("patch_size", size), size, told.get("overlap", 0))
    return Bag(
        path,
        "trident",
        features,
        _matching(places, features, path),
        patch_size_level0=size,
        stride_hint=int(stride),
        mpp=of_file.get("mpp"),
        source_mpp=mpp or of_file.get("source_mpp"),
        width=told.get("level0_width") or None,
        height=told.get("level0_height") or None,
        name=str(told.get("name") or path.stem),
        encoder=str(of_features.get("encoder") or of_file.get("encoder", "")),
        provenance={**of_features, **told, **of_file},
    )


def _clam(file: h5py.File, path: Path, mpp: float | None) -> Bag:
    features = _features(file["features"], path)
    places, told = coords_in(file, path)
    return Bag(
        path,
        "clam",
        features,
        _matching(places, features, path),
        source_mpp=mpp,
        name=str(told.get("name") or path.stem),
        provenance={**attributes_of(file), **told},
        **clam_facts(told),
    )


def _stamp(file: h5py.File, path: Path, mpp: float | None) -> Bag:
    features = _features(file["feats"], path)
    told = attributes_of(file)
    microns = _matching(_pairs(file["coords"], path), features, path)
    if told.get("unit") != "um" or not told.get("tile_size_um"):
        remedy = "extract the features again with STAMP 2, or convert the file"
        raise BadInput("does not say that its coordinates are in micrometres (unit, tile_size_um)", remedy, str(path))
    pixels = {} if told.get("tile_size_px") is None else {"mpp": told["tile_size_um"] / told["tile_size_px"]}
    common = {**pixels, "source_mpp": mpp, "name": path.stem, "encoder": str(told.get("extractor", ""))}
    if mpp is None:
        lacking = BadInput(
            "gives coordinates in micrometres, and nothing to tell base pixels by", _MPP_REMEDY, str(path)
        )
        return Bag(path, "stamp", features, None, lacking, provenance=told, **common)
    size = round(told["tile_size_um"] / mpp)
    places = np.rint(microns / mpp).astype(np.int64)
    return Bag(path, "stamp", features, places, patch_size_level0=size, stride_hint=size, provenance=told, **common)


def _span(file: h5py.File, path: Path, mpp: float | None) -> Bag:
    features = _features(file["feats"], path)
    return Bag(
        path,
        "span",
        features,
        _matching(_whole(_pairs(file["cords"], path), path), features, path),
        patch_size_level0=_SPAN_PATCH,
        stride_hint=_SPAN_PATCH,
        source_mpp=mpp,
        name=path.stem,
        provenance=attributes_of(file),
    )


def _features(dataset: Any, path: Path) -> StoredFeatures:
    """A dataset of patches × floating-point numbers."""
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 2 or dataset.dtype.kind != "f":
        shape = f"{dataset.shape} {dataset.dtype}" if isinstance(dataset, h5py.Dataset) else "a group"
        raise BadInput(f"the features are {shape}, not a table of patches × floats", _AGAIN, str(path))
    return StoredFeatures.of(dataset, path)


def _pairs(dataset: Any, path: Path) -> np.ndarray:
    """A dataset of x y pairs, all finite."""
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 2 or dataset.shape[1] != 2:
        shape = dataset.shape if isinstance(dataset, h5py.Dataset) else "a group"
        raise BadInput(f"the coordinates are {shape}, not pairs of x and y", _AGAIN, str(path))
    values = dataset[:]
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise BadInput("the coordinates are not all numbers", _AGAIN, str(path))
    return values


def _whole(values: np.ndarray, path: Path) -> Int[np.ndarray, "patch 2"]:
    """Coordinates as integers; floats that hold integers will do."""
    rounded = np.rint(values).astype(np.int64)
    if not np.array_equal(rounded, values):
        raise BadInput(
            "the coordinates are not whole pixels", "are they micrometres? Embed this slide again", str(path)
        )
    return rounded


def _matching(places: np.ndarray, features: StoredFeatures, path: Path) -> np.ndarray:
    """The places, if there are as many as features."""
    if len(places) != len(features):
        raise BadInput(f"holds {len(features)} features but {len(places)} coordinates", _AGAIN, str(path))
    return places


def _held(file: h5py.File) -> str:
    return ", ".join(list(file)[:6]) or "nothing"


def _plain(value: Any) -> Any:
    """An attribute as h5py gives it, without NumPy's and HDF5's own types."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return [_plain(each) for each in value.tolist()]
    return value.item() if isinstance(value, np.generic) else value
