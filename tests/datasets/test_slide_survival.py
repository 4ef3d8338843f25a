"""Slides with times: bins from the training part alone, splits that share out the events, one line for a bad row."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import PARTS
from saccade.core.survival import TimeBins
from saccade.datasets.slide_survival import SurvivalData, open_survival_data
from tests.miniature_times import make_times


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_times(tmp_path_factory.mktemp("times"))


def opened(table: Path, folder: Path | None = None, **options: object) -> SurvivalData:
    return open_survival_data(table, (folder or table.parent) / "job", **options)  # type: ignore[arg-type]


def test_bins_are_quantiles_of_the_training_part_s_events(table: Path) -> None:
    data = opened(table)
    seen = [row.time for row in data.rows if row.split == "train" and row.event]
    assert data.bins.edges == pytest.approx(np.quantile(np.array(seen, float), [0.25, 0.5, 0.75]))
    assert data.classes == data.bins.names
    assert data.facts == {"time_bins": {"edges": list(data.bins.edges)}}
    assert len(opened(table, bins=2).classes) == 2


def test_other_parts_do_not_move_the_bins(table: Path, tmp_path: Path) -> None:
    lines = table.read_text().splitlines()
    other = tmp_path / "times.csv"
    shifted = [line if ",train," in line else f"{line.rsplit(',', 2)[0]},900,1" for line in lines[1:]]
    other.write_text("\n".join([lines[0], *shifted]))
    assert opened(other, table.parent).bins == opened(table).bins


def test_labels_are_the_bin_and_the_event_of_each_slide(table: Path) -> None:
    data = opened(table)
    for row, (number, event) in zip(data.rows, data.labels.tolist(), strict=True):
        assert row.time is not None
        edges = (-np.inf, *data.bins.edges, np.inf)
        assert edges[number] <= row.time < edges[number + 1]
        assert event == row.event
    part = data.part("val")
    assert part.labels.shape == (12, 2) and part.bins == data.bins
    assert [row.name for row in part.rows] == [f"val_{number}" for number in range(12)]


def test_a_drawn_split_shares_out_the_events_and_never_cuts_a_case(table: Path, tmp_path: Path) -> None:
    lines = table.read_text().splitlines()
    bare = [line.replace(",train,", ",,").replace(",val,", ",,").replace(",test,", ",,") for line in lines]
    other = tmp_path / "times.csv"
    other.write_text("\n".join(bare))
    data = opened(other, table.parent, fractions=(0.5, 0.25, 0.25), seed=3)
    lost = Counter(row.split for row in data.split.rows if not row.event)
    assert lost.total() == 11 and min(lost[part] for part in PARTS) >= 2, "each part has its share of the lost"


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [(4, "", "the event is missing"), (3, "", "the time is missing"), (3, "-4", "lies before the beginning")],
)
def test_what_is_missing_is_named_with_its_row(
    column: int, text: str, message: str, table: Path, tmp_path: Path
) -> None:
    lines = [line.split(",") for line in table.read_text().splitlines()]
    lines[3][column] = text
    other = tmp_path / "times.csv"
    other.write_text("\n".join(map(",".join, lines)))
    with pytest.raises(BadInput, match=message) as caught:
        opened(other, table.parent)
    assert "row 4" in str(caught.value) and "\n" not in str(caught.value)


def test_too_few_events_for_as_many_bins_name_the_key(table: Path) -> None:
    with pytest.raises(BadInput, match=r"training part: .* make no 40 bins. Ask for fewer bins \(data.bins\)"):
        opened(table, bins=40)


def test_only_the_parts_wanted_are_opened(table: Path) -> None:
    data = opened(table, parts=("val",))
    assert len(data) == 12 and isinstance(data.bins, TimeBins)
    assert not data.preprocessing.mean, "what is measured is measured on the training part"
