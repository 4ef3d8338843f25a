"""Embedded slides as a data set: joined, split, loaded once, measured on the training part."""

import pickle
import threading
from pathlib import Path

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.datasets.bags import Bags as StoredBags
from saccade.datasets.bags import open_bags
from saccade.datasets.slides import Shelf, SlideData, common_input, open_slide_data
from saccade.models import create_model
from tests.miniature_slides import DIM, make_bags, write_bag


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return make_bags(tmp_path)


@pytest.fixture
def data(table: Path) -> SlideData:
    return open_slide_data(table, table.parent / "job")


@pytest.fixture
def stored(table: Path) -> StoredBags:
    return open_bags(table, table.parent / "job")


def test_slides_come_with_labels_and_parts_by_the_table(data: SlideData) -> None:
    assert data.classes == ("normal", "tumour")
    assert [len(data.part(part)) for part in ("train", "val", "test")] == [8, 4, 4]
    assert data.part("val").labels.tolist() == [0, 1, 0, 1]
    assert data.part("val").shelf[1].features.shape == (16, DIM)


def test_features_are_standardised_by_the_training_part_alone(table: Path) -> None:
    data = open_slide_data(table, table.parent / "job")
    train = torch.cat([data.part("train").shelf[number].features for number in range(8)])
    assert train.mean(0).abs().max() < 1e-5
    assert torch.allclose(train.std(0, correction=0), torch.ones(DIM), atol=1e-4)
    write_bag(table.parent / "job" / "features_made-up" / "test_0.h5", "test_0.svs", "tumour", seed=1, side=9)
    assert open_slide_data(table, table.parent / "job").preprocessing.mean == data.preprocessing.mean
    raw = open_slide_data(table, table.parent / "job", standardise=False)
    assert raw.shelf[0].features.mean() > 4
    assert raw.fitted() is raw


def test_parts_that_are_not_wanted_are_not_opened(table: Path) -> None:
    (table.parent / "job" / "features_made-up" / "test_0.h5").write_bytes(b"damaged")
    data = open_slide_data(table, table.parent / "job", parts=("train", "val"))
    assert len(data) == 12
    assert sum(row.split == "test" for row in data.split.rows) == 4


def test_a_slide_of_another_encoder_is_named(table: Path) -> None:
    path = table.parent / "job" / "features_made-up" / "train_3.h5"
    write_bag(path, "train_3.svs", "tumour", seed=3, encoder="other")
    with pytest.raises(BadInput, match=r"train_3\.h5: holds features of other where made-up's are wanted"):
        open_slide_data(table, table.parent / "job")


class Counted:
    """Counts how often it prepares."""

    def __init__(self) -> None:
        self.calls, self.lock = 0, threading.Lock()

    def __call__(self, bags: Bags) -> Bags:
        with self.lock:
            self.calls += 1
        return bags


def test_a_bag_is_loaded_once_while_there_is_room(stored: StoredBags) -> None:
    counted = Counted()
    shelf = Shelf(stored, prepare=counted)
    assert shelf[2] is shelf[2]
    assert counted.calls == 1
    one = shelf[0].features.nbytes
    small = Shelf(stored, prepare=counted, kept=2 * one)
    first = small[0]
    small[1]
    assert small[0] is first  # asked for again: now 1 is the oldest
    small[2]
    assert small[0] is first
    assert sorted(small._loaded) == [0, 2]


def test_the_index_of_a_slide_is_built_once_even_if_its_features_are_not_kept(
    stored: StoredBags, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    model = create_model("span", ("a", "b"), in_features=DIM, width=8, heads=1)
    prepare = model.preparation()

    def counting(bags: Bags) -> Bags:
        built.append(bags.index is None)
        return prepare(bags)

    shelf = Shelf(stored, prepare=counting, kept=1)
    index = shelf[0].index
    shelf[1]
    assert index is not None
    assert shelf[0].index is index
    assert built == [True, True, False]


def test_the_encoder_is_told_by_any_of_the_files(tmp_path: Path) -> None:
    for name, encoder in (("a", ""), ("b", "uni"), ("c", "")):
        write_bag(tmp_path / "job" / f"{name}.h5", f"{name}.svs", "normal", 0, encoder=encoder)
    table = tmp_path / "labels.csv"
    table.write_text("slide_id,label\na,x\nb,y\nc,x\n")
    given, _ = common_input(open_bags(table, tmp_path / "job"))
    assert given.encoder == "uni"
    write_bag(tmp_path / "job" / "c.h5", "c.svs", "normal", 0, encoder="conch")
    with pytest.raises(BadInput, match="features of conch where uni's are wanted"):
        common_input(open_bags(table, tmp_path / "job"))


def test_a_shelf_can_be_sent_to_other_processes_and_starts_empty(data: SlideData) -> None:
    model = create_model("span", ("a", "b"), in_features=DIM, width=8, heads=1)
    shelf = data.shelf.prepared(model.preparation())
    bag = shelf[0]
    twin = pickle.loads(pickle.dumps(shelf))
    assert not twin._loaded
    assert twin[0].features.equal(bag.features)
    assert model.eval()(twin[0]).logits.equal(model.eval()(bag).logits)


def test_some_of_the_slides_in_another_order(data: SlideData) -> None:
    some = data.shelf.take([5, 0])
    assert len(some) == 2
    assert some[1].features.equal(data.shelf[0].features)


def test_a_table_without_a_usable_part_is_one_line(table: Path) -> None:
    with pytest.raises(BadInput, match="holds no slides"):
        open_slide_data(table, table.parent / "job", parts=())


def test_slides_without_tissue_and_the_way_with_odd_places_are_told(table: Path) -> None:
    for name in ("train_0", "train_1"):
        write_bag(table.parent / "job" / "features_made-up" / f"{name}.h5", f"{name}.svs", "normal", seed=0, side=0)
    data = open_slide_data(table, table.parent / "job", snap="nearest")
    assert [note.partition(": ")[2] for note in data.notes] == [
        "holds no patch of tissue, so nothing can be learned from it (and 1 more)"
    ]
    assert data.preprocessing.snap == "nearest"
