"""Classify biomedical images by looking only where it matters.

The public names are looked up when they are first used, so ``import saccade`` stays quick and imports no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saccade.core.bags import Bags
    from saccade.imaging.stack import Stack
    from saccade.inference import Predictor, load
    from saccade.models import create_model

__version__ = "0.1.0"
__all__ = ["Bags", "Predictor", "Stack", "__version__", "create_model", "load"]

_HOME = {
    "Bags": "saccade.core.bags",
    "Predictor": "saccade.inference",
    "Stack": "saccade.imaging.stack",
    "create_model": "saccade.models",
    "load": "saccade.inference",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'saccade' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
