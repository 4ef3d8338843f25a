"""Bags on their way to a model: in order, checked and prepared, and a bad one costs no other anything."""

from pathlib import Path

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.features.slide_input import SlideInput
from saccade.features.store import open_bag
from saccade.inference.bag_loading import BagLoader, name_of
from tests.miniature_slides import DIM, write_bag


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{name}.h5" for name in "abcde"]
    for seed, path in enumerate(found):
        write_bag(path, f"{path.stem}.svs", "tumour", seed, side=2 + seed)
    return found


def loader(**given: object) -> BagLoader:
    return BagLoader(SlideInput("made-up", DIM, **given), lambda bags: bags, "cpu")  # type: ignore[arg-type]


def test_bags_come_in_order_whatever_fails(paths: list[Path]) -> None:
    paths[1].write_bytes(b"nothing")
    found = list(loader().stream(paths))
    assert [loaded.name for loaded in found] == [str(path) for path in paths]
    assert [loaded.bags and loaded.bags.lengths for loaded in found] == [(4,), None, (16,), (25,), (36,)]
    assert [bool(loaded.error) for loaded in found] == [False, True, False, False, False]
    assert found[0].extent == (896, 896)


def test_features_are_standardised_and_prepared_once(paths: list[Path]) -> None:
    seen: list[Bags] = []

    def prepare(bags: Bags) -> Bags:
        seen.append(bags)
        return bags

    given = SlideInput("made-up", DIM, mean=(5.0,) * DIM, std=(2.0,) * DIM)
    found = BagLoader(given, prepare, "cpu").load(paths[0])
    plain = torch.from_numpy(open_bag(paths[0]).load())
    assert torch.allclose(found.features, (plain - 5) / 2, atol=1e-6)
    assert len(seen) == 1


def test_only_what_is_asked_for_is_loaded_ahead(paths: list[Path]) -> None:
    asked: list[Path] = []

    def items() -> object:
        for path in paths:
            asked.append(path)
            yield path

    next(loader().stream(items()))  # type: ignore[arg-type]
    assert len(asked) == 3


def test_what_is_no_list_of_single_slides_is_refused(paths: list[Path]) -> None:
    with pytest.raises(BadInput, match="list of bags"):
        loader().stream(str(paths[0]))
    two = Bags(torch.rand(2, DIM), torch.zeros(2, 2, dtype=torch.long), (1, 1))
    with pytest.raises(BadInput, match="holds 2 slides"):
        loader().load(two)
    with pytest.raises(BadInput, match="uni's are wanted"):
        BagLoader(SlideInput("uni", DIM), lambda bags: bags, "cpu").load(paths[0])


def test_names_and_notes(paths: list[Path]) -> None:
    empty = Bags(torch.zeros(0, DIM), torch.zeros(0, 2, dtype=torch.long), (0,))
    assert name_of(empty, 4) == "bag 4" and name_of(open_bag(paths[0]), 1) == str(paths[0])
    (found,) = loader().stream([empty])
    assert found.bags is None and found.error.startswith("bag 1: holds no patch of tissue")
    (other,) = loader(patch=224, mpp=2.0).stream(paths[:1])
    assert "µm wide" in other.note
