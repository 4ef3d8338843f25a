"""Training in stages: which epoch taught the look, which the reader, and what became of them."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from saccade.report.figures import column, last_known, new_figure
from saccade.report.parts import Section
from saccade.report.style import BLUE, GREEN, GREY, INK, MUTED, ORANGE, figure_html, styled
from saccade.report.words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

History = Sequence[Mapping[str, Any]]

WORDS = {
    "warm-up": "the look, by labels",
    "reading": "the reader alone",
    "joint": "both",
}
"""What learns in a stage."""

SPREAD = "look_cells"
"""Column with the number of cells that the look's maps spread over."""

WARM_UP = "train_warm_up"
"""Column with the loss by which labels teach the look."""

_SHADES = {"warm-up": ORANGE, "reading": GREEN, "joint": GREY}
_SHADE = 0.10


def stages_of(history: History) -> list[str]:
    """The stage of each epoch: its column of that name, else what its losses tell.

    A warm-up has no cross-entropy of patches; only where the look learns from its draws is there an entropy.

    >>> stages_of([{"train_loss": 9.0}, {"train_cross_entropy": 1.0}, {"train_cross_entropy": 1, "train_entropy": -1}])
    ['warm-up', 'reading', 'joint']
    """
    entropy, loss = column(history, "train_entropy"), column(history, "train_cross_entropy")
    told = [
        "joint" if e else "reading" if c else "warm-up"
        for e, c in zip(~np.isnan(entropy), ~np.isnan(loss), strict=True)
    ]
    return [str(row.get("stage") or stage) for row, stage in zip(history, told, strict=True)]


def has_stages(history: History) -> bool:
    """Whether the look was taught from draws, or told apart from the reader, or by labels and then no further.

    >>> has_stages([{"train_loss": 1.0}]), has_stages([{"train_loss": 1.0}, {"train_cross_entropy": 1.0}])
    (False, True)
    """
    stages = set(stages_of(history))
    return "joint" in stages or len(stages) > 1 or bool(np.isfinite(column(history, WARM_UP)).any())


def with_spread(history: History, entropy: float | None) -> list[dict[str, Any]]:
    """The history with the number of cells that the look's maps spread over, on average: ``exp(−Σ a log a)``.

    Args:
        history: Its ``train_entropy`` is λ Σ a log a.
        entropy: λ; without it the spread is not known.
    """
    terms = column(history, "train_entropy")
    cells = np.exp(-terms / entropy) if entropy else np.full(len(terms), np.nan)
    return [{**row, SPREAD: float(value)} for row, value in zip(history, cells, strict=True)]


def stages_section(history: History) -> Section:
    """Cross-entropy, accuracy and the spread of the look over epochs, stage by stage."""
    stages = stages_of(history)
    epochs = [f"{len(list(run))} for {WORDS.get(stage, stage)}" for stage, run in groupby(stages)]
    finding = f"{len(history)} epoch{'s' if len(history) > 1 else ''}: {', '.join(epochs)}{_spread_words(history)}."
    if set(stages) == {"warm-up"}:
        finding += " The training ended before the reader learned anything: its accuracy is that of guessing."
    accuracy = last_known(history, "val_accuracy")
    alt = f"Cross-entropy, validation accuracy and spread of the look map. {finding}"
    if accuracy is not None:
        alt += f" Accuracy on validation in the end: {percent(accuracy)}."
    return Section(
        key="training",
        title="Training: the look, then the reader, then both",
        finding=finding,
        lead="accuracy that rises as soon as the reader learns, which it can only if the look was taught where to send "
        "it; then a map that narrows while accuracy holds.",
        limits="a narrow map is not a right one: see where it points. Training was steered by the validation fields, "
        "so their curves say less about new fields than a test part does.",
        html=figure_html(staged_figure(history), "training", alt),
    )


@styled()
def staged_figure(history: History) -> "Figure":
    """Panels over epochs, the stages shaded; a panel without values is left out."""
    from matplotlib.ticker import MaxNLocator

    panels = [draw for draw, names in _PANELS if any(np.isfinite(column(history, name)).any() for name in names)]
    figure, all_axes = new_figure(3.55 * len(panels), 2.9, columns=len(panels))
    epochs = column(history, "epoch")
    for draw, axes in zip(panels, all_axes, strict=True):
        draw(axes, epochs, history)
        _shade(axes, epochs, stages_of(history))
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    handles = _stage_handles(stages_of(history))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), title="what learns", title_fontsize=9)
    return figure


def _losses(axes: "Axes", epochs: np.ndarray, history: History) -> None:
    """The reader's loss; that of the warm-up is another and not drawn."""
    axes.plot(epochs, column(history, "train_cross_entropy"), "--", color=GREY, label="training")
    axes.plot(epochs, column(history, "val_loss"), "-", color=BLUE, label="validation")
    axes.set_title("Cross-entropy")
    axes.set_ylim(bottom=0)
    axes.legend()


def _accuracy(axes: "Axes", epochs: np.ndarray, history: History) -> None:
    values = 100 * column(history, "val_accuracy")
    axes.plot(epochs, values, color=BLUE)
    axes.set_title("Accuracy on validation, %")
    axes.set_ylim(0, 103)
    for k in np.flatnonzero(np.isfinite(values))[-1:]:
        axes.annotate(
            f"{values[k]:.1f}", (epochs[k], values[k]), (0, -14), textcoords="offset points", ha="right", color=BLUE
        )


def _spread(axes: "Axes", epochs: np.ndarray, history: History) -> None:
    axes.plot(epochs, column(history, SPREAD), color=BLUE)
    axes.set_yscale("log")
    for formatted in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        formatted("{x:g}")
    axes.set_title("Cells the look spreads over")


_PANELS = (
    (_losses, ("train_cross_entropy", "val_loss")),
    (_accuracy, ("val_accuracy",)),
    (_spread, (SPREAD,)),
)


def _shade(axes: "Axes", epochs: np.ndarray, stages: Sequence[str]) -> None:
    """A band of colour behind the epochs of each stage."""
    place = 0
    for stage, run in groupby(stages):
        end = place + len(list(run))
        axes.axvspan(
            epochs[place] - 0.5, epochs[end - 1] + 0.5, color=_SHADES.get(stage, MUTED), alpha=_SHADE, linewidth=0
        )
        place = end
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)


def _stage_handles(stages: Sequence[str]) -> list[Any]:
    """What the shades mean."""
    from matplotlib.patches import Patch

    return [
        Patch(
            facecolor=_SHADES.get(stage, MUTED),
            alpha=3 * _SHADE,
            edgecolor=INK,
            linewidth=0,
            label=WORDS.get(stage, stage),
        )
        for stage in dict.fromkeys(stages)
    ]


def _spread_words(history: History) -> str:
    """Where the spread of the look went; nothing where that is not known."""
    cells = column(history, SPREAD)
    known = cells[np.isfinite(cells)]
    if not len(known):
        return ""
    first, last = (f"{value:.0f}" if value >= 10 else f"{value:.1f}" for value in (known[0], known[-1]))
    went = "narrowed" if known[-1] < known[0] else "widened"
    return f"; in the last of these the look {went} from {first} cells to {last}"
