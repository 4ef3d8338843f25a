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
    assert chosen.notes == ("1 image is not in the run's split and left out",)


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


def slides_of(names: list[str], parts: list[str] | None = None, cases: list[str] | None = None) -> Manifest:
    """Slides whose files are nowhere."""
    cells = zip(names, parts or [""] * len(names), cases or [""] * len(names), strict=True)
    rows = tuple(Row(Path("gone") / name, "a", name=name, split=part, case_id=case) for name, part, case in cells)
    return Manifest(rows, ("a",), Path("gone/labels.csv"))


OF_SLIDES = {"slides/s0.tif": "train", "slides/s1.tif": "val", "slides/s2.tif": "test"}
LEFT_OUT = "left out: trained or validated on, or of cases that were"


def test_slides_under_other_names_are_not_tested_if_they_were_learned_from() -> None:
    named = slides_of(["s0", "s1", "s2"], ["test"] * 3)
    chosen = choose_images(named, OF_SLIDES, slides=True)
    assert names_of(chosen.manifest) == ["s2"] and chosen.notes == (f"2 slides are {LEFT_OUT}",)
    assert names_of(choose_images(named, OF_SLIDES, part="train", slides=True).manifest) == ["s0"]
    with pytest.raises(BadInput, match="holds no slide of the part 'test'.*train 1, val 1"):
        choose_images(slides_of(["s0", "s1"], ["test"] * 2), OF_SLIDES, slides=True)


def test_new_slides_are_tested_where_the_others_were_learned_from() -> None:
    for parts in (["test"] * 3, [""] * 3):
        chosen = choose_images(slides_of(["s0", "s1", "new"], parts), OF_SLIDES, slides=True)
        assert names_of(chosen.manifest) == ["new"] and chosen.part == parts[0]
        assert chosen.notes == (f"2 slides are {LEFT_OUT}",)


@pytest.mark.parametrize("slides", [True, False])
@pytest.mark.parametrize("parts", [["test"] * 3, ["", "", ""]])
def test_no_case_of_the_training_is_tested(parts: list[str], slides: bool) -> None:
    cases = {"p": "train", "q": "val", "r": "test"}
    data = slides_of(["x", "y", "z"], parts, ["p", "r", ""])
    chosen = choose_images(data, OF_SLIDES, cases=cases, slides=slides)
    noun = "slide" if slides else "image"
    assert names_of(chosen.manifest) == ["y", "z"] and chosen.notes == (f"1 {noun} is {LEFT_OUT}",)
    all_known = slides_of(["x", "y"], parts[:2], ["p", "q"])
    with pytest.raises(BadInput, match=f"every {noun}.* was trained or validated on, or is of a case that was"):
        choose_images(all_known, OF_SLIDES, cases=cases, slides=slides)


def test_a_case_of_the_training_is_not_tested_beside_the_runs_test_part() -> None:
    data = slides_of(["slides/s2.tif", "x", "y"], cases=["r", "p", "t"])
    chosen = choose_images(data, OF_SLIDES, cases={"p": "train", "r": "test"}, slides=True)
    assert names_of(chosen.manifest) == ["slides/s2.tif"]
    assert chosen.notes == ("1 slide is not in the run's split and left out", f"1 slide is {LEFT_OUT}")
    training = slides_of(["x", "y"], ["train", "test"], ["p", "p"])
    assert names_of(choose_images(training, OF_SLIDES, part="train", cases={"p": "train"}).manifest) == ["x"]


def test_the_training_part_of_the_very_data_needs_no_note(trained: Manifest) -> None:
    assert choose_images(trained, SPLITS, trained.source).notes == ()
    assert choose_images(trained, SPLITS).notes == ("2 images are " + LEFT_OUT,)
