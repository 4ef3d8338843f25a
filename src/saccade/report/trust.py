"""Sections that explain: what the model read, where, and how far that can be trusted as an explanation."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from saccade.evaluation.comparison import Difference, paired_difference
from saccade.evaluation.intervals import Interval
from saccade.explanation.faithfulness import Faithfulness
from saccade.explanation.maps import ClassMaps
from saccade.explanation.pointing import Pointing
from saccade.report.data import Example, OverImages
from saccade.report.galleries import class_map_gallery, example_gallery
from saccade.report.parts import Section, table
from saccade.report.style import figure_html
from saccade.report.trust_figures import faithfulness_figure, pointing_figure
from saccade.report.words import number_interval, percent, percent_interval

_FEW = 10
"""Images of which faithfulness is no verdict yet."""


def examples_section(examples: Sequence[Example]) -> Section:
    """Cells with the pixels read in them."""
    wrong = sum(not one.right for one in examples)
    return Section(
        key="examples",
        title="Example cells, and what was read of them",
        finding=f"{len(examples)} cells, {wrong} of them wrong.",
        lead="the brightest colours lying on structures you would use yourself. Left, the cell; right, the pixels the "
        "model read, coloured by how much each counted.",
        limits="each class's most confident mistakes are shown on purpose, so mistakes are more frequent here than "
        "they are; the others are drawn at random. Attention is not proof of cause.",
        html=example_gallery(examples),
    )


def maps_section(maps: ClassMaps) -> Section:
    """Where the model reads on average."""
    return Section(
        key="maps",
        title="Mean map of each class",
        finding="",
        lead="a centre that stands out where cells are centred, and differences between classes.",
        limits="an average blurs cells of different shape and place; it tells where a model reads, not what it sees.",
        html=class_map_gallery(maps),
    )


def faithfulness_section(over: OverImages[Faithfulness], counted: str = "images") -> Section:
    """Deletion and insertion."""
    curves, unit = over.measured.curves, over.measured.unit
    own, controls = next(iter(curves.values())), [*curves][1:]
    deletion = {name: _less(over, own.deletion_area, curves[name].deletion_area) for name in controls}
    insertion = {name: _less(over, own.insertion_area, curves[name].insertion_area) for name in controls}
    rows = [
        (
            name,
            number_interval(over.mean(curve.deletion_area)),
            _difference(deletion.get(name)),
            number_interval(over.mean(curve.insertion_area)),
            _difference(insertion.get(name)),
        )
        for name, curve in curves.items()
    ]
    columns = (
        "order",
        "deletion area (low is good)",
        "own less this",
        "insertion area (high is good)",
        "own less this",
    )
    finding = " ".join(
        [
            _verdict("Deletion by weight makes the prediction fall", deletion, faster_is=-1),
            _verdict("Insertion by weight makes it rise", insertion, faster_is=1),
        ]
    )
    number = len(over.labels)
    if number < _FEW:
        whole = f"{number} {counted if number > 1 else counted.removesuffix('s')}"
        finding = f"Measured on {whole}: too few to say whether one order beats another."
    figure = figure_html(faithfulness_figure(over), "faithfulness", f"Deletion and insertion curves. {finding}")
    return Section(
        key="faithfulness",
        title=f"Faithfulness: do the heaviest {unit} matter most?",
        finding=finding,
        lead="the model's own order falling faster on the left and rising faster on the right than orders that know "
        f"nothing of the model. Mean over {len(over.labels)} {counted}; areas are mean probabilities along a curve, "
        "with 95 % intervals, differences paired.",
        limits=f"replaced {unit} become {over.measured.fill}: such {counted} do not exist in nature. Attention is not "
        "proof of cause.",
        html=figure + table(columns, rows, strong=0),
    )


def pointing_section(over: OverImages[Pointing], structure: str) -> Section:
    """Share of the weight inside a structure that is known."""
    measured = over.measured
    weight, read, area, hit = (
        over.share(values.double().numpy()) for values in (measured.weight, measured.read, measured.area, measured.hit)
    )
    finding = (
        f"{percent_interval(weight)} of the weight and {percent_interval(read)} of the pixels read lie in the "
        f"{structure}, which covers {percent(area.value)} of the image: what an even spread would give."
    )
    note = f"The heaviest site lies inside in {percent_interval(hit)} of {len(over.labels)} images."
    alt = f"Share of weight, of pixels read and of the area inside the {structure}, by class. {finding}"
    return Section(
        key="pointing",
        title=f"Share of the weight inside the {structure}",
        finding=finding,
        lead=f"weight to the right of the upright tick, which is chance. {note}",
        limits=f"what tells two classes apart may lie outside the {structure}, so more is not always better.",
        html=figure_html(pointing_figure(over), "pointing", alt),
    )


def _less(
    over: OverImages[Faithfulness], own: Float[np.ndarray, " image"], control: Float[np.ndarray, " image"]
) -> Difference:
    """Mean difference over the same images."""
    return paired_difference(own, control, over.cases, resamples=2000)


def _verdict(start: str, differences: dict[str, Difference], faster_is: int) -> str:
    """Which controls the model's own order outpaces, by intervals that leave zero out."""
    faster, same, slower = "faster than", "about as fast as", "slower than"
    verdicts: dict[str, list[str]] = {faster: [], same: [], slower: []}
    for name, one in differences.items():
        clear = one.low is not None and one.high is not None and not one.low <= 0 <= one.high
        verdict = same if not clear else faster if one.value * faster_is > 0 else slower
        verdicts[verdict].append(f"“{name}”")
    parts = [f"{verdict} {' and '.join(names)}" for verdict, names in verdicts.items() if names]
    return f"{start} {', '.join(parts)}." if parts else ""


def _difference(one: Difference | None) -> str:
    """With a true minus sign, which is as wide as a figure."""
    return "" if one is None else number_interval(Interval(one.value, one.low, one.high)).replace("-", "−")
