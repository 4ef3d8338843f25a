"""The predictor of times: bags in; a risk, and the chance to come through each bin of time, out."""

from dataclasses import dataclass

from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.results import Sites, SurvivalPrediction
from saccade.inference.bag_loading import BagItem, LoadedBag
from saccade.inference.bag_predictor import BagPredictor


@dataclass(frozen=True, eq=False, repr=False)
class SurvivalResult:
    """What is predicted of one slide, or why nothing is.

    Attributes:
        name: The path, or ``bag 3`` for the third thing handed in.
        item: What was handed in.
        bins: Names of the bins of time, from the first.
        prediction: A batch of one, its sites in base pixels; ``None`` after an error.
        error: One line that says what is wrong with the bag; empty where all went well.
        extent: Height and width of the slide in base pixels; zeros after an error.
        note: One line on what to know about a slide that was predicted all the same; mostly empty.
    """

    name: str
    item: BagItem
    bins: tuple[str, ...]
    prediction: SurvivalPrediction | None = None
    error: str = ""
    extent: tuple[int, int] = (0, 0)
    note: str = ""

    @property
    def risk(self) -> float:
        """Higher for those expected earlier; only its order means anything.

        Raises:
            BadInput: There is no prediction.
        """
        return float(self._predicted.risk[0])

    @property
    def survival(self) -> dict[str, float]:
        """The probability that the event comes after each bin, by the bin's name; empty after an error."""
        values = self.prediction.survival[0].tolist() if self.prediction else []
        return dict(zip(self.bins, values, strict=bool(values)))

    @property
    def sites(self) -> Sites:
        """The patches and how much each counted; a batch of one.

        Raises:
            BadInput: There is no prediction.
        """
        return self._predicted.sites

    def or_raise(self) -> "SurvivalResult":
        """The result itself, or its error raised as ``BadInput``."""
        if self.error:
            raise BadInput(self.error)
        return self

    def __repr__(self) -> str:
        if self.error:
            return f"SurvivalResult({self.name}: error: {self.error})"
        chances = ", ".join(f"{name} {value:.1%}" for name, value in self.survival.items())
        return f"SurvivalResult({self.name}: risk {self.risk:.3f}; beyond {chances})"

    @property
    def _predicted(self) -> SurvivalPrediction:
        if self.prediction is None:
            raise BadInput(self.error)
        return self.prediction


class SurvivalPredictor(BagPredictor[SparseClassifier, SurvivalResult]):
    """A trained model of times: bags in, results out.

    >>> import saccade
    >>> predictor = saccade.load("runs/survival")                           # doctest: +SKIP
    >>> predictor.predict(["job/20x_224px_0px_overlap/features_x/a.h5"])[0].risk       # doctest: +SKIP
    -2.1

    Args:
        model: Whose classes are bins of time; it is put into evaluation mode and moved to the device.
        preprocessing: Whose features it takes.
        device: Where to compute; by default a GPU where there is one.
    """

    @property
    def bins(self) -> tuple[str, ...]:
        """Names of the bins of time, from the first."""
        return self.model.classes

    def _result(self, loaded: LoadedBag, found: SurvivalPrediction | None) -> SurvivalResult:
        return SurvivalResult(loaded.name, loaded.item, self.bins, found, loaded.error, loaded.extent, loaded.note)
