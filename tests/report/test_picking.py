"""Which images are shown: of every class, mistakes among them."""

from pathlib import Path

from saccade.core.manifest import Row
from saccade.evaluation.assessment import Judged, LabelledImage
from saccade.report.picking import pick_examples, spread_evenly


def judged(labels: list[int], predicted: list[int], confidence: list[float], members: list[str]) -> Judged:
    rows = [Row(Path(f"{k}.png"), "x", member=member) for k, member in enumerate(members)]
    images = [LabelledImage(row, label, "x") for row, label in zip(rows, labels, strict=True)]
    likely = [[c if k == p else (1 - c) / 2 for k in range(3)] for p, c in zip(predicted, confidence, strict=True)]
    return Judged(images, likely)


def test_images_are_spread_over_the_classes() -> None:
    labels = [0] * 50 + [1] * 5 + [2] * 2
    places = spread_evenly(labels, 12)
    assert sorted(labels[place] for place in places) == [0] * 5 + [1] * 5 + [2] * 2
    assert len(set(places)) == 12
    assert sorted(spread_evenly(labels, 1000)) == list(range(57))
    assert places == spread_evenly(labels, 12)


def test_the_most_confident_mistakes_are_among_them() -> None:
    labels = [0] * 6 + [1] * 4
    predicted = [0, 0, 0, 1, 2, 1, 1, 1, 1, 1]
    confidence = [0.9] * 3 + [0.6, 0.8, 0.7] + [0.9] * 4
    places = pick_examples(judged(labels, predicted, confidence, [""] * 10), 3, per_class=3, mistakes=1)
    own = [place for place in places if labels[place] == 0]
    assert len(own) == 3 and [place for place in own if predicted[place]] == [4]
    assert len([place for place in places if labels[place] == 1]) == 3


def test_where_nothing_is_right_mistakes_fill_up() -> None:
    places = pick_examples(judged([0] * 4, [1] * 4, [0.5, 0.9, 0.7, 0.6], [""] * 4), 3, per_class=3, mistakes=1)
    assert places == [1, 2, 3]


def test_images_inside_archives_are_left_out() -> None:
    places = pick_examples(judged([0, 0], [0, 0], [0.9, 0.9], ["", "inside.png"]), 1, per_class=3, mistakes=1)
    assert places == [0]


def test_nothing_is_drawn_anew() -> None:
    given = judged([k % 3 for k in range(30)], [k % 2 for k in range(30)], [0.8] * 30, [""] * 30)
    assert pick_examples(given, 3, 3, 1) == pick_examples(given, 3, 3, 1)
