"""Files in, predictions out: a saved model opened by name, images of any size and kind, results in their own pixels."""

from saccade.inference.hub import load
from saccade.inference.predictor import Predictor
from saccade.inference.result import Result

__all__ = ["Predictor", "Result", "load"]
