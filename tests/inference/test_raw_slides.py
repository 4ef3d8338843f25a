"""What users hand in as slides: bags, jobs, folders of either, and how whole slides get the bags of a run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.features.slide_input import SlideInput
from saccade.features.store import open_bag
from saccade.inference.raw_slides import SlideEmbedding, embed_for, encoder_for, given_bags
from tests.features.embedding.small_slides import write_slides
from tests.miniature_slides import make_bags

GIVEN = SlideInput("colour-texture", 76, patch=32, mpp=2.0)
HOW = SlideEmbedding(source_mpp=2.0, device="cpu")


def nobody(item: object) -> Callable[[int, int], None]:
    return lambda done, total: None


def test_features_are_told_from_slides(tmp_path: Path) -> None:
    make_bags(tmp_path, {"train": 2})
    features = tmp_path / "job" / "features_made-up"
    one = given_bags(features / "train_0.h5")
    assert one is not None
    assert [each.bag for each in one] == [features / "train_0.h5"]
    many = given_bags(tmp_path / "job")
    assert many is not None
    assert [each.bag for each in many] == [features / "train_0.h5", features / "train_1.h5"]
    slides = write_slides(tmp_path / "slides", 1)
    assert given_bags(slides) is None
    assert given_bags(next(slides.glob("*.*"))) is None


def test_whole_slides_are_embedded_as_those_of_the_training_and_not_twice(tmp_path: Path) -> None:
    slides = write_slides(tmp_path / "slides", 2)
    (slides / "broken.svs").write_bytes(b"nothing")
    made = list(embed_for(GIVEN, [slides], tmp_path / "job", HOW, nobody))
    good = [one for one in made if one.bag is not None]
    bad = [one for one in made if one.bag is None]
    assert len(good) == 2
    assert [Path(one.name).name for one in bad] == ["broken.svs"]
    assert "broken.svs" in bad[0].error
    for one in good:
        assert one.bag is not None
        bag = open_bag(one.bag)
        assert (bag.encoder, bag.mpp, bag.provenance["patch_size"]) == ("colour-texture", 2.0, 32)
    before = [one.bag.stat().st_mtime_ns for one in good if one.bag]
    again = [one for one in embed_for(GIVEN, [slides], tmp_path / "job", HOW, nobody) if one.bag is not None]
    assert [one.bag.stat().st_mtime_ns for one in again if one.bag] == before
    assert given_bags(tmp_path / "job") is not None  # a job is bags, though it holds pictures


def test_slides_of_one_name_in_two_folders_are_two(tmp_path: Path) -> None:
    folders = [write_slides(tmp_path / name, 1) for name in ("first", "second")]
    made = list(embed_for(GIVEN, folders, tmp_path / "job", HOW, nobody))
    assert len({one.bag for one in made}) == 2
    assert all(one.bag is not None for one in made)


def test_an_encoder_that_the_run_does_not_tell_is_asked_for() -> None:
    assert encoder_for(GIVEN, HOW).name == "colour-texture"
    with pytest.raises(BadInput, match=r"those of uni.*--encoder"):
        encoder_for(SlideInput("uni", 1024), HOW)
    with pytest.raises(BadInput, match="features of 76 numbers where 1024 are wanted"):
        encoder_for(SlideInput("uni", 1024), SlideEmbedding(encoder="colour-texture"))


def test_a_run_that_does_not_know_its_patches_cannot_cut_them(tmp_path: Path) -> None:
    slides = write_slides(tmp_path / "slides", 1)
    with pytest.raises(BadInput, match="does not know the size and resolution"):
        list(embed_for(SlideInput("colour-texture", 76), [slides], tmp_path / "job", HOW, nobody))
