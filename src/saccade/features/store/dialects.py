"""The dialects of feature files, told apart by what is in them, each to a ``Bag``.

- TRIDENT: ``features``, and ``coords`` with ``patch_size_level0``, in base pixels.
- CLAM: ``features``, and ``coords`` with ``patch_level`` or nothing, in base pixels.
- STAMP: ``feats``, and ``coords`` in micrometres.
- SPAN: ``feats``, and ``cords`` in pixels on a lattice of 224.

Either may have an axis of length one in front, as encoders of batches leave it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Int

from saccade.core.errors import BadInput
from saccade.features.store.attributes import stride_of
from saccade.features.store.bag import Bag
from saccade.features.store.stored import StoredFeatures
from saccade.features.store.told import Told

_AGAIN = "copy the file again, or embed this slide again"
_SPAN_PATCH = 224
_LARGEST = 2**52  # beyond, float64 no longer holds every whole number
_MPP_REMEDY = "give µm per base pixel in the table's column mpp; predict, explain and info take --source-mpp too"


def bag_in(file: h5py.File, path: Path, mpp: float | None) -> Bag:
    """The bag of an open file, whatever its dialect.

    Raises:
        BadInput: The file is of no dialect, or its parts do not fit together.
    """
    features, coords = _names(file, path)
    dialect = _dialect(file, features, coords)
    return dialect(file, path, mpp)


def coords_in(file: h5py.File, path: Path) -> tuple[Int[np.ndarray, "patch 2"], Told]:
    """Coordinates in base pixels, and their attributes, as TRIDENT and CLAM keep them; also in files without features.

    Raises:
        BadInput: There are none.
    """
    if "coords" not in file:
        raise BadInput(f"holds no coords, only {_held(file)}", "give the coordinates of this slide", str(path))
    return _whole(_pairs(file["coords"], path), path), Told.of(file["coords"], path)


def clam_facts(told: Told) -> dict[str, Any]:
    """What CLAM's attributes say of patches and slide, as fields of a ``Bag``; empty where they say nothing.

    Raises:
        BadInput: They say nonsense.
    """
    patch = told.pixels("patch_size")
    if patch is None:
        return {}
    scale = told.pair("downsample") or (1.0, 1.0)
    size = max(1, round(patch * scale[0]))
    facts = {"patch_size_level0": size, "stride_hint": size}  # CLAM's patches do not overlap unless asked to
    if level := _level_size(told):
        width, height = (round(side * factor) for side, factor in zip(level, scale, strict=True))
        facts |= {"width": width, "height": height}
    return facts


def _level_size(told: Told) -> tuple[float, float] | None:
    """Width and height of the level CLAM read; it only informs, so nonsense is as good as nothing."""
    level = told.values.get("level_dim")
    try:
        return told.pair("level_dim") if isinstance(level, list) and len(level) == 2 else None
    except BadInput:
        return None


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
    of_file, of_features = Told.of(file, path), Told.of(file["features"], path)
    size = told.pixels("patch_size_level0")
    return Bag(
        path,
        "trident",
        features,
        _matching(places, features, path),
        patch_size_level0=size,
        stride_hint=of_file.pixels("stride_level0", least=0) or _trident_stride(told),
        mpp=of_file.number("mpp"),
        source_mpp=mpp or of_file.number("source_mpp"),
        width=told.known("level0_width"),
        height=told.known("level0_height"),
        name=told.text("name") or path.stem,
        encoder=of_features.text("encoder") or of_file.text("encoder"),
        provenance={**of_features.values, **told.values, **of_file.values},
    )


def _trident_stride(told: Told) -> int | None:
    """Base pixels between neighbours, by the patch's size here and at the level read, and the overlap there."""
    size = told.pixels("patch_size_level0")
    if size is None:
        return None
    patch, overlap = told.pixels("patch_size") or size, told.pixels("overlap", least=0) or 0
    stride = stride_of(patch, size, overlap)
    if stride < 1:
        message = f"its attributes say that patches of {patch} pixels overlap by {overlap}, which is all of them"
        raise BadInput(message, _AGAIN, str(told.path))
    return stride


def _clam(file: h5py.File, path: Path, mpp: float | None) -> Bag:
    features = _features(file["features"], path)
    places, told = coords_in(file, path)
    return Bag(
        path,
        "clam",
        features,
        _matching(places, features, path),
        source_mpp=mpp,
        name=told.text("name") or path.stem,
        provenance={**Told.of(file, path).values, **told.values},
        **clam_facts(told),
    )


def _stamp(file: h5py.File, path: Path, mpp: float | None) -> Bag:
    features = _features(file["feats"], path)
    told = Told.of(file, path)
    microns = _matching(_pairs(file["coords"], path), features, path)
    tile, pixels = told.number("tile_size_um"), told.number("tile_size_px")
    if told.text("unit") != "um" or tile is None:
        remedy = "extract the features again with STAMP 2, or convert the file"
        raise BadInput("does not say that its coordinates are in micrometres (unit, tile_size_um)", remedy, str(path))
    common = {
        "mpp": None if pixels is None else tile / pixels,
        "source_mpp": mpp,
        "name": path.stem,
        "encoder": told.text("extractor"),
        "provenance": told.values,
    }
    if mpp is None:
        lacking = BadInput(
            "gives coordinates in micrometres, and nothing to tell base pixels by", _MPP_REMEDY, str(path)
        )
        return Bag(path, "stamp", features, None, lacking, **common)
    size = max(1, round(tile / mpp))
    places = _whole(np.rint(microns / mpp), path)
    return Bag(path, "stamp", features, places, patch_size_level0=size, stride_hint=size, **common)


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
        provenance=Told.of(file, path).values,
    )


def _features(dataset: Any, path: Path) -> StoredFeatures:
    """A dataset of patches × floating-point numbers."""
    if not isinstance(dataset, h5py.Dataset) or len(_unbatched(dataset)) != 2 or dataset.dtype.kind != "f":
        shape = f"{dataset.shape} {dataset.dtype}" if isinstance(dataset, h5py.Dataset) else "a group"
        raise BadInput(f"the features are {shape}, not a table of patches × floats", _AGAIN, str(path))
    return StoredFeatures.of(dataset, path)


def _pairs(dataset: Any, path: Path) -> np.ndarray:
    """A dataset of x y pairs, all finite."""
    shape = _unbatched(dataset) if isinstance(dataset, h5py.Dataset) else ()
    if len(shape) != 2 or shape[1] != 2:
        held = dataset.shape if isinstance(dataset, h5py.Dataset) else "a group"
        raise BadInput(f"the coordinates are {held}, not pairs of x and y", _AGAIN, str(path))
    values = dataset[:].reshape(shape)
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise BadInput("the coordinates are not all numbers", _AGAIN, str(path))
    return values


def _unbatched(dataset: h5py.Dataset) -> tuple[int, ...]:
    """The shape of a dataset, without the axis of length one that may be in front."""
    return dataset.shape[1:] if dataset.ndim == 3 and dataset.shape[0] == 1 else dataset.shape


def _whole(values: np.ndarray, path: Path) -> Int[np.ndarray, "patch 2"]:
    """Coordinates as integers; floats that hold integers will do."""
    if values.size and not -_LARGEST <= values.min() <= values.max() <= _LARGEST:
        remedy = "check their unit, or embed this slide again"
        raise BadInput("the coordinates lie beyond 2^52 base pixels", remedy, str(path))
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
