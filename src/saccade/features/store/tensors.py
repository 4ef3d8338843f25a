"""Features in a tensor that ``torch.save`` wrote, as CLAM keeps them; loaded without running any code it may hold."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from saccade.core.errors import BadInput
from saccade.features.store.stored import FileStamp


@dataclass(frozen=True, eq=False)
class TensorFeatures:
    """The tensor of a ``.pt`` file as an array of patches × numbers; nothing is held open between two accesses.

    Attributes:
        path: The file.
        shape: Patches and numbers per patch.
        dtype: Of the rows handed out; bfloat16, which NumPy has not, becomes float32.
        stamp: Size and time of the file when it was opened.
    """

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype
    stamp: FileStamp

    @classmethod
    def of(cls, path: Path) -> "TensorFeatures":
        """The features of a file.

        Raises:
            BadInput: It is damaged, or holds something else than a table of floats.
        """
        stamp = FileStamp.of(path)
        values = _load(path)
        return cls(path, (values.shape[0], values.shape[1]), values.dtype, stamp)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Some rows.

        Raises:
            BadInput: The file has gone, was replaced or cannot be read.
        """
        self.stamp.check(self.path)
        return _load(self.path)[rows]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self[:], dtype=dtype, copy=copy)


def _load(path: Path) -> np.ndarray:
    """The tensor, mapped into memory where the file's format allows."""
    try:
        try:
            value = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # the format of before torch 1.6 cannot be mapped
            value = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        message = "holds more than a tensor, which could run code when loaded"
        raise BadInput(message, "give CLAM's pt_files, one tensor each", str(path)) from error
    except (RuntimeError, OSError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"cannot be opened ({reason})", "copy the file again", str(path)) from error
    if not isinstance(value, torch.Tensor) or value.ndim != 2 or not value.is_floating_point():
        shape = tuple(value.shape) if isinstance(value, torch.Tensor) else f"a {type(value).__name__}"
        raise BadInput(f"the features are {shape}, not a table of patches × floats", "give CLAM's pt_files", str(path))
    return (value.float() if value.dtype == torch.bfloat16 else value).numpy()
