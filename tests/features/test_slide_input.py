"""What a run keeps of the features it was trained on, and what it refuses or doubts."""

from pathlib import Path

import numpy as np
import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.features.slide_input import SlideInput
from saccade.features.store import Bag, open_bag
from tests.miniature_slides import write_bag


def in_memory(features: np.ndarray) -> Bag:
    return Bag(Path("a.h5"), "trident", features, np.zeros((len(features), 2), np.int64))


def test_a_bag_tells_what_it_holds(tmp_path: Path) -> None:
    write_bag(tmp_path / "a.h5", "a.svs", "normal", 0)
    given = SlideInput.of(open_bag(tmp_path / "a.h5"))
    assert (given.encoder, given.dim, given.patch, given.mpp, given.overlap) == ("made-up", 6, 224, 0.5, 0)
    assert given.patch_um == 112
    assert SlideInput.from_dict(given.as_dict()).as_dict() == given.as_dict()


def test_where_only_base_pixels_are_told_the_resolution_follows() -> None:
    bag = Bag(
        Path("a.h5"),
        "trident",
        np.zeros((1, 6), np.float32),
        np.zeros((1, 2), np.int64),
        patch_size_level0=512,
        source_mpp=0.25,
        provenance={"patch_size": 256},
    )
    assert SlideInput.of(bag).mpp == 0.5


def test_features_of_another_encoder_or_width_are_refused() -> None:
    mine = SlideInput("uni", 6)
    mine.check(SlideInput("", 6), "a.h5")  # a file that does not say is taken at its width
    with pytest.raises(BadInput, match=r"a\.h5: holds features of 7 numbers where 6 are wanted.*Embed with uni"):
        mine.check(SlideInput("uni", 7), "a.h5")
    with pytest.raises(BadInput, match="holds features of conch where uni's are wanted"):
        mine.check(SlideInput("conch", 6), "a.h5")


def test_patches_of_another_size_are_doubted_and_rounding_is_not() -> None:
    mine = SlideInput("uni", 6, patch=224, mpp=0.5)
    assert "224 µm wide, those of the training were 112 µm" in mine.doubt(SlideInput("uni", 6, patch=224, mpp=1.0))
    assert mine.doubt(SlideInput("uni", 6, patch=224, mpp=0.505)) == ""
    assert mine.doubt(SlideInput("uni", 6)) == ""


def test_features_are_measured_over_all_patches_and_then_have_mean_0_and_deviation_1() -> None:
    dice = np.random.default_rng(0)
    parts = [dice.normal(3.0, 2.0, (count, 3)).astype(np.float32) for count in (5, 40)]
    for part in parts:
        part[:, 2] = 7.0  # never changes
    given = SlideInput("uni", 3).fitted(map(in_memory, parts))
    whole = np.concatenate(parts).astype(np.float64)
    assert np.allclose(given.mean, whole.mean(0)) and np.allclose(given.std[:2], whole.std(0)[:2])
    bags = Bags(torch.from_numpy(whole), torch.stack([torch.arange(45)] * 2, 1), (45,))
    after = given.normalised(bags).features
    assert after.mean(0).abs().max() < 1e-12 and torch.allclose(
        after[:, :2].std(0, correction=0), torch.ones(2).double()
    )
    assert after[:, 2].abs().max() == 0
    assert SlideInput("uni", 3).normalised(bags) is bags


def test_of_a_large_bag_the_middle_is_measured() -> None:
    features = np.zeros((5000, 1), np.float32)
    features[2000:3000] = 1.0
    assert SlideInput("uni", 1).fitted([in_memory(features)]).mean[0] == pytest.approx(1000 / 1024)


def test_nothing_to_measure_and_parts_that_do_not_fit_are_one_line() -> None:
    with pytest.raises(BadInput, match="no patches to measure"):
        SlideInput("uni", 3).fitted([in_memory(np.zeros((0, 3), np.float32))])
    with pytest.raises(BadInput, match="1 means and 0 standard deviations"):
        SlideInput("uni", 3, mean=(1.0,))
    with pytest.raises(BadInput, match="does not describe"):
        SlideInput.from_dict({"size": 64})
