"""Tensors of every kind ``torch.save`` writes, and nothing that could run code."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.features.store.tensors import TensorFeatures

X = torch.randn(5, 3)


class Harmful:
    ran = False

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return _run, ()


def _run() -> None:
    Harmful.ran = True


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.bfloat16])
def test_formats(tmp_path: Path, dtype: torch.dtype, zipped: bool) -> None:
    path = tmp_path / "a.pt"
    torch.save(X.to(dtype), path, _use_new_zipfile_serialization=zipped)
    features = TensorFeatures.of(path)
    assert features.shape == (5, 3) and len(features) == 5
    assert features.dtype == (np.float16 if dtype == torch.float16 else np.float32)
    np.testing.assert_array_equal(features[[4, 0]], X.to(dtype).float().numpy()[[4, 0]].astype(features.dtype))
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(features))), features[:])


@pytest.mark.parametrize("value", [torch.ones(3), torch.ones(3, 2, dtype=torch.int64), {"features": X}, [X]])
def test_other_things(tmp_path: Path, value: object) -> None:
    torch.save(value, tmp_path / "a.pt")
    with pytest.raises(BadInput, match="not a table of patches"):
        TensorFeatures.of(tmp_path / "a.pt")


@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_never_run(tmp_path: Path, zipped: bool) -> None:
    torch.save(Harmful(), tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(BadInput, match=r"a\.pt: holds more than a tensor, which could run code"):
        TensorFeatures.of(tmp_path / "a.pt")
    assert not Harmful.ran


def test_replaced_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save(X, path)
    features = TensorFeatures.of(path)
    torch.save(X[:2], path)
    with pytest.raises(BadInput, match="has changed"):
        features[0]
    path.unlink()
    with pytest.raises(BadInput, match="has gone"):
        features[0]
