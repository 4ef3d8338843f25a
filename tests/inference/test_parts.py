"""A model is judged by images it was not trained on, whatever the data is called."""

from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import Manifest, Row
from saccade.inference.parts import choose_images

SPLITS = {"a/1.png": "train", "a/2.png": "val", "b/3.png": "test", "b/4.png": "test"}


def make_data(folder: Path, names: list[str], parts: list[str] | None = None, salt: str = "") -> Manifest:
    """Files of these names, each with content of its own."""
    rows = []
    for name, part in zip(names, parts or [""] * len(names), strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name + salt)
        rows.append(Row(path, name[0], name=name, split=part))
    return Manifest(tuple(rows), ("a", "b"), folder)


def names_of(manifest: Manifest) -> list[str]:
    return [row.name for row in manifest.rows]


@pytest.fixture
def trained(tmp_path: Path) -> Manifest:
    return make_data(tmp_path / "trained", list(SPLITS))


def test_the_runs_own_split_counts(trained: Manifest) -> None:
    chosen = choose_images(trained, SPLITS, trained.source)
    assert names_of(chosen.manifest) == ["b/3.png", "b/4.png"]
    assert chosen.part == "test"
    assert names_of(choose_images(trained, SPLITS, trained.source, "train").manifest) == ["a/1.png"]


def test_the_runs_split_counts_more_than_the_datas(trained: Manifest) -> None:
    claimed = trained.with_parts(["test"] * 4)
    assert names_of(choose_images(claimed, SPLITS, trained.source).manifest) == ["b/3.png", "b/4.png"]


def test_training_images_alone_are_refused(trained: Manifest) -> None:
    only = Manifest(trained.rows[:2], trained.classes, trained.source)
    with pytest.raises(BadInput, match="train 1, val 1"):
        choose_images(only, SPLITS, trained.source)


def test_a_copy_of_the_data_is_known(trained: Manifest, tmp_path: Path) -> None:
    copy = make_data(tmp_path / "copy", list(SPLITS))
    assert choose_images(copy, SPLITS, trained.source).part == "test"
    gone = tmp_path / "gone"
    assert choose_images(copy, SPLITS, gone).part == "test"
    assert choose_images(copy, SPLITS).part == "test"


def test_other_images_of_the_same_names_are_not_known(trained: Manifest, tmp_path: Path) -> None:
    other = make_data(tmp_path / "other", list(SPLITS), salt="another laboratory")
    chosen = choose_images(other, SPLITS, trained.source)
    assert (len(chosen.manifest), chosen.part) == (4, "")


def test_members_of_a_file_are_known_by_the_file(tmp_path: Path) -> None:
    splits = {"x.npz/train/0": "train", "x.npz/test/0": "test"}
    for folder, content in (("mine", "same"), ("copy", "same"), ("other", "different")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.npz").write_text(content)

    def members(folder: str) -> Manifest:
        path = tmp_path / folder / "x.npz"
        rows = [Row(path, "a", name=name, member=name.partition("/")[2]) for name in splits]
        return Manifest(tuple(rows), ("a",), path)

    trained_on = tmp_path / "mine" / "x.npz"
    assert len(choose_images(members("mine"), splits, trained_on).manifest) == 1
    assert len(choose_images(members("copy"), splits, trained_on).manifest) == 1
    assert len(choose_images(members("other"), splits, trained_on).manifest) == 2


def test_new_images_among_known_ones_are_left_out_and_told(trained: Manifest) -> None:
    new = make_data(trained.source, [*SPLITS, "b/5.png"])
    chosen = choose_images(new, SPLITS, trained.source)
    assert names_of(chosen.manifest) == ["b/3.png", "b/4.png"]
    assert chosen.notes == ("1 images are not in the run's split and are left out",)


def test_foreign_data_with_a_split_of_its_own(tmp_path: Path) -> None:
    data = make_data(tmp_path, ["x.png", "y.png"], ["train", "test"])
    assert names_of(choose_images(data, SPLITS).manifest) == ["y.png"]
    assert names_of(choose_images(data, SPLITS, part="train").manifest) == ["x.png"]
    with pytest.raises(BadInput, match="train 1"):
        choose_images(Manifest(data.rows[:1], data.classes, data.source), SPLITS)


def test_foreign_data_without_a_split(tmp_path: Path) -> None:
    data = make_data(tmp_path, ["x.png", "y.png"])
    assert len(choose_images(data, SPLITS).manifest) == 2
    with pytest.raises(BadInput, match="Leave out --split"):
        choose_images(data, SPLITS, part="test")


def test_a_lost_split_is_not_taken_for_foreign_data(trained: Manifest, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"splits\.csv"):
        choose_images(trained, {}, trained.source)
    assert len(choose_images(make_data(tmp_path / "x", ["x.png"]), {}, trained.source).manifest) == 1
