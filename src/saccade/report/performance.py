"""Sections about training, about how good the predictions are, and about what they cost."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from saccade.evaluation.metrics import Metrics
from saccade.report.data import CostRow
from saccade.report.figures import (
    budget_figure,
    column,
    confusion_figure,
    last_known,
    recall_figure,
    reliability_figure,
    training_figure,
)
from saccade.report.parts import Section, part, table
from saccade.report.style import figure_html
from saccade.report.words import amount, number_interval, percent, percent_interval

_MOST_CONFUSIONS = 3
_LEFT_OUT = {"images": "decoding files", "slides": "reading and embedding patches"}


def headline(metrics: Metrics | None, costs: Sequence[CostRow] | None, counted: str = "images") -> Markup:
    """The few figures everybody asks for; pixels read are never shown without pixels looked at.

    Args:
        metrics: How good the predictions are.
        costs: Of the model, and then of its peers.
        counted: What images are called here and in the sections below: ``images``, or ``slides``.
    """
    tiles: list[dict[str, Any]] = []
    if metrics:
        value, interval = percent_interval(metrics.accuracy).partition(" (")[::2]
        note = f"95 % interval {interval.rstrip(')')}" if interval else "no interval: one case"
        tiles.append({"label": f"Accuracy on {metrics.n:,} {counted}", "shown": [(value, note)]})
    if costs:
        own = costs[0]
        fractions = [(own.pixels_read_fraction, "read"), (own.pixels_looked_fraction, "looked at first")]
        if any(value is not None for value, _ in fractions):
            tiles.append(
                {"label": f"Pixels of {_one(counted)}", "shown": [(percent(value), note) for value, note in fractions]}
            )
        counts = (
            ("Parameters", amount(own.parameters), "", own.parameters),
            ("FLOPs", amount(own.flops_per_image), _per(own, counted), own.flops_per_image),
            (
                f"{counted.capitalize()} per second",
                amount(own.images_per_second),
                _apart(own, counted),
                own.images_per_second,
            ),
        )
        measured = [one for one in counts if one[3] is not None]
        tiles += [{"label": label, "shown": [(text, note)]} for label, text, note, _ in measured]
    return part("tiles", tiles=tiles) if tiles else Markup("")


def _one(counted: str) -> str:
    """One of them."""
    return "a slide" if counted == "slides" else "an image"


def _per(own: CostRow, counted: str) -> str:
    """What arithmetic is counted for, and how."""
    patches = "" if own.patches is None else f" of {own.patches:,} patches"
    return f"per {counted.removesuffix('s')}{patches}, 2 × MAC"


def _apart(own: CostRow, counted: str) -> str:
    """What the speed leaves out, in its own figure where that was measured."""
    if counted == "slides":
        return "without reading and embedding"
    decoding = own.images_decoded_per_second
    return "without decoding" if decoding is None else f"without decoding, which does {amount(decoding)} on one thread"


def training_section(history: Sequence[Mapping[str, Any]], counted: str = "images") -> Section:
    """Loss, accuracy and budget over epochs."""
    epochs = f"{len(history)} epoch{'s' if len(history) > 1 else ''}"
    share = column(history, "pixels_read_fraction")
    share = share[np.isfinite(share)]
    read = _read_words(share, last_known(history, "pixels_looked_fraction"))
    shown = "Loss, validation accuracy and pixels the model may read" if read else "Loss and validation accuracy"
    alt = f"{shown} over {epochs}{read}."
    moved = len(np.unique(share)) > 1
    return Section(
        key="training",
        title="Training: loss and the learned budget k" if moved else "Training",
        finding=f"{epochs}{read}.",
        lead="the budget half-way, where the search for it ends: the next section shows by what it was chosen."
        if moved
        else "the validation loss falling with that of training; where it rises again, the model learns by heart.",
        limits=f"training was steered by the validation {counted}, so their curves say less about new {counted} than a "
        "test part does.",
        html=figure_html(training_figure(history), "training", alt),
    )


def budget_section(budgets: Sequence[Mapping[str, Any]], counted: str = "images") -> Section:
    """The loss with every share of the pixels that was tried, and the one that was kept."""
    shares, losses, kept = (column(budgets, name) for name in ("share", "val_loss", "kept"))
    best, chosen = int(losses.argmin()), int(kept.argmax())
    least = f", the least, {losses[best]:.3f}, with {percent(shares[best])}" if best != chosen else ", the least of all"
    finding = f"{percent(shares[chosen])} of the pixels were kept: validation loss {losses[chosen]:.3f}{least}."
    alt = f"Validation loss against the share of the pixels read, {len(shares)} shares. {finding}"
    return Section(
        key="budget",
        title="How many pixels are enough",
        finding=finding,
        lead="a curve that is level at its right end: there, more pixels win nothing.",
        limits="measured half-way through the training, by weights that had read every share, and on the validation "
        f"{counted}; after it, the weights were trained for the share that was kept.",
        html=figure_html(budget_figure(shares, losses, chosen), "budget", alt),
    )


def _read_words(share: Float[np.ndarray, " epoch"], looked: float | None) -> str:
    """Where the budget went, or what it was, and what was looked at in the end; nothing where that is not known."""
    if not len(share):
        return ""
    beside = "" if looked is None else f" read, {percent(looked)} looked at"
    if len(np.unique(share)) == 1:
        return f"; {percent(share[0])} of the pixels{beside} throughout"
    return f"; the budget k went from {percent(share[0])} to {percent(share[-1])} of the pixels{beside}"


def confusion_section(metrics: Metrics, counted: str = "images") -> Section:
    """Which class is taken for which."""
    names, counts = list(metrics.per_class), np.array(metrics.confusion)
    wrong = np.argwhere((counts > 0) & ~np.eye(len(names), dtype=bool))
    wrong = sorted(wrong.tolist(), key=lambda pair: -counts[*pair])[:_MOST_CONFUSIONS]
    most = "; ".join(f"{names[true]} taken for {names[said]} ({counts[true, said]})" for true, said in wrong)
    finding = f"Most frequent: {most}." if most else f"No {counted.removesuffix('s')} was taken for another class."
    alt = f"Confusion matrix of {len(names)} classes and {metrics.n} {counted}. {finding}"
    summary = table(
        ("", "value (95 % interval)"),
        (
            ("accuracy", percent_interval(metrics.accuracy)),
            ("balanced accuracy", percent_interval(metrics.balanced_accuracy)),
            ("macro F1", percent_interval(metrics.macro_f1)),
            ("area under the ROC curve", number_interval(metrics.auroc)),
        ),
    )
    return Section(
        key="confusion",
        title="Confusion matrix",
        finding=finding,
        lead="dark squares off the diagonal, and whether the confusion is one that people make too. "
        f"Rows are true classes, numbers are {counted}, colour is the share of the row.",
        limits=f"counts follow the mix of classes in these {counted}, which need not be that of a clinic.",
        html=Markup('<div class="beside">{}{}</div>').format(
            figure_html(confusion_figure(metrics), "confusion", alt), summary
        ),
    )


def recall_section(metrics: Metrics, counted: str = "images") -> Section:
    """How much of each class is found."""
    present = {name: one.recall for name, one in metrics.per_class.items() if one.recall.value is not None}
    least = min(present, key=lambda name: (present[name].value or 0.0, present[name].low or 0.0))
    lowest = percent_interval(present[least])
    finding = f"Lowest: {least}, {lowest}."
    if len({interval.value for interval in present.values()}) == 1:
        finding = f"All classes, {percent(present[least].value)}; the lowest bound has {least}, {lowest}."
    rows = ", ".join(f"{name} {percent_interval(interval)}" for name, interval in present.items())
    return Section(
        key="recall",
        title="Per-class recall",
        finding=finding,
        lead="classes whose interval lies apart from the others. The axis does not start at zero.",
        limits=f"intervals are a bootstrap over cases of these {counted}; another laboratory's stain is not in them.",
        html=figure_html(recall_figure(metrics), "recall", f"Recall of each class with its 95 % interval: {rows}."),
    )


def reliability_section(metrics: Metrics, noun: str = "cells", counted: str = "images") -> Section:
    """Whether confidence means what it says."""
    ece = percent(metrics.calibration.ece)
    alt = f"Accuracy against confidence; the expected calibration error is {ece}. Below, {counted} per confidence."
    return Section(
        key="reliability",
        title="Reliability: can its confidence be believed?",
        finding=f"Expected calibration error (ECE): {ece}.",
        lead=f"points on the dotted line: of {noun} called with 80 % confidence, 80 % are right. Below it, the model "
        "is too sure of itself.",
        limits=f"points with few {counted} (small) scatter; calibration rarely survives a change of stain or scanner.",
        html=figure_html(reliability_figure(metrics.calibration, counted), "reliability", alt),
    )


def cost_section(costs: Sequence[CostRow], counted: str = "images") -> Section:
    """What the model costs beside its peers."""
    speed = f"{counted}/s"
    columns = ("model", "accuracy", "pixels read", "pixels looked at", "parameters", "FLOPs", speed, "peak memory")
    rows = [
        (
            row.model,
            percent_interval(row.accuracy),
            percent(row.pixels_read_fraction),
            percent(row.pixels_looked_fraction),
            amount(row.parameters),
            amount(row.flops_per_image),
            amount(row.images_per_second),
            amount(row.peak_memory_bytes, "B"),
        )
        for row in costs
    ]
    used = [0] + [k for k in range(1, len(columns)) if any(row[k] != "–" for row in rows)]
    picked = [[row[k] for k in used] for row in rows]
    return Section(
        key="cost",
        title="Cost" if len(costs) == 1 else "Cost, beside other models",
        finding="",
        lead="fewer pixels, FLOPs and parameters at equal accuracy, and whether that also shows in "
        f"{counted} per second.",
        limits=f"speed is of one machine, measured without {_LEFT_OUT[counted]}, which takes as long for every model; "
        "FLOPs (2 × MAC) leave out gathers and sorting. A dash was not measured.",
        html=table([columns[k] for k in used], picked, strong=0 if len(costs) > 1 else None),
    )
