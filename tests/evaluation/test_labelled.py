"""The rows that a run is judged by, at the scale of its model."""

from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.evaluation.labelled import features_of, label_images, open_labelled
from saccade.features.slide_input import SlideInput
from saccade.inference.runs import Run
from saccade.models import create_model
from saccade.models.packaging import save_model
from tests.miniature_slides import DIM, make_bags


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return make_bags(tmp_path, {"test": 4})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    model = create_model("mean-pooling", ("normal", "tumour"), in_features=DIM)
    save_model(tmp_path / "run", model, SlideInput("made-up", DIM))
    return Run.open(tmp_path / "run")


def test_slides_come_with_the_files_of_their_features(table: Path, run: Run) -> None:
    rows = open_labelled(run, table, table.parent / "job")
    assert not rows.problems
    images = label_images(rows.manifest, ("normal", "tumour"), None, rows.bags)
    assert [(image.label, image.bag and image.bag.name) for image in images] == [
        (number % 2, f"test_{number}.h5") for number in range(4)
    ]


def test_slides_without_features_are_told_and_cost_no_other(table: Path, run: Run) -> None:
    table.write_text(table.read_text() + "absent,normal,case-x,test\n")
    rows = open_labelled(run, table, table.parent / "job")
    assert len(rows.manifest) == 4
    assert [problem.message for problem in rows.problems] == ["there are no features of 'absent'"]


def test_a_folder_without_any_of_them_is_an_error(table: Path, run: Run, tmp_path: Path) -> None:
    make_bags(tmp_path / "other", {"val": 2})
    with pytest.raises(BadInput, match="no features of 'test_0'"):
        open_labelled(run, table, tmp_path / "other" / "job")


def test_a_run_that_does_not_say_where_its_features_were_asks(table: Path, run: Run) -> None:
    with pytest.raises(BadInput, match="Give --features"):
        features_of(run)
    with pytest.raises(BadInput, match="Give --features"):
        open_labelled(run, table)


def test_a_run_of_images_takes_no_features(cells: Path, tmp_path: Path) -> None:
    from saccade.imaging.preprocessing import Preprocessing

    model = create_model("tiny-cnn", ("a", "b"))
    save_model(tmp_path / "run", model, Preprocessing(size=64, channels=3, mean=(0.0,) * 3, std=(1.0,) * 3))
    run = Run.open(tmp_path / "run")
    assert open_labelled(run, cells).bags == {}
    with pytest.raises(BadInput, match="takes images, not features"):
        open_labelled(run, cells, tmp_path)
