"""Names of files, shares and plans."""

from dataclasses import replace
from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.features.embedding.embed_slide import SlideWork
from saccade.features.embedding.job import Job, plan
from saccade.features.embedding.reading import Pace
from saccade.features.patching import PatchSettings
from saccade.imaging.slides.finding import slides_of
from tests.features.embedding.small_slides import MeanColour, small_job, write_slides


def test_files_lie_where_the_field_looks_for_them(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job", patches=PatchSettings(overlap=112))
    item = job.items[0]
    base = tmp_path / "job" / "20x_224px_112px_overlap"
    assert job.bag(item) == base / "features_mean-colour" / "s0.h5"
    assert job.patches(item) == base / "patches" / "s0_patches.h5"
    assert job.preview(item) == tmp_path / "job" / "tissue" / "preview" / "s0.jpg"
    assert job.state(item).parent == tmp_path / "job" / "state" and job.state(item).name.startswith("s0__")


def test_two_slides_of_one_stem_never_share_a_file(tmp_path: Path) -> None:
    write_slides(tmp_path / "slides" / "a", 2)
    write_slides(tmp_path / "slides" / "b", 1)
    (tmp_path / "slides" / "b" / "S0.png").write_bytes((tmp_path / "slides" / "b" / "s0.png").read_bytes())
    job = small_job(tmp_path / "slides", tmp_path / "job")
    for kind in (job.bag, job.patches, job.preview, job.polygons, job.state):
        names = [str(kind(item)).lower() for item in job.items]
        assert len(set(names)) == len(names) == 4
    assert [item.stem for item in job.items if item.slide.name == "a/s1.png"] == ["s1"]


def test_another_encoder_or_resolution_has_files_of_its_own(tmp_path: Path) -> None:
    slides = write_slides(tmp_path / "slides", 1)
    one, two = (small_job(slides, tmp_path / "job", patches=PatchSettings(mpp=mpp)) for mpp in (0.5, 1.0))
    assert one.bag(one.items[0]) != two.bag(two.items[0]) and one.state(one.items[0]) != two.state(two.items[0])
    assert two.settings.folder.startswith("10x_")


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shares_are_all_slides_once(tmp_path: Path, count: int) -> None:
    job = small_job(write_slides(tmp_path / "slides", 5), tmp_path / "job")
    shares = [job.share(number, count) for number in range(1, count + 1)]
    names = [item.slide.name for share in shares for item in share]
    assert sorted(names) == [slide.name for slide in job.slides]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    for wrong in (0, count + 1):
        with pytest.raises(BadInput, match="shard"):
            job.share(wrong, count)


def done(job, names: set[str]) -> None:
    for item in job.items:
        if item.slide.name in names:
            SlideWork(job, item).run(MeanColour(), Pace(0))


def todo(job) -> list[str]:
    return [item.slide.name for item in plan(job, job.items).todo]


def test_a_plan_leaves_out_what_is_done_and_still_true(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 3), tmp_path / "job")
    assert todo(job) == ["s0.png", "s1.png", "s2.png"]
    done(job, {"s0.png", "s2.png"})
    assert todo(job) == ["s1.png"] and [state.slide for state in plan(job, job.items).done] == ["s0.png", "s2.png"]
    job.bag(job.items[2]).unlink()
    assert todo(job) == ["s1.png", "s2.png"]


def test_changed_settings_or_slides_are_done_again(tmp_path: Path) -> None:
    slides = write_slides(tmp_path / "slides", 2)
    job = small_job(slides, tmp_path / "job")
    done(job, {"s0.png", "s1.png"})
    assert todo(small_job(slides, tmp_path / "job")) == []
    other = small_job(slides, tmp_path / "job", half=True)
    assert plan(other, other.items).changed == 2 and todo(other) == ["s0.png", "s1.png"]
    assert other.settings.changes(job.settings.as_dict()) == ["half"]
    (slides / "s1.png").write_bytes((slides / "s0.png").read_bytes())
    assert todo(small_job(slides, tmp_path / "job")) == ["s1.png"]


def test_a_state_that_is_damaged_is_as_good_as_none(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    done(job, {"s0.png"})
    for text in ("", "{", "[]", '{"slide": 1}'):
        job.state(job.items[0]).write_text(text)
        assert todo(job) == ["s0.png"]


def test_a_bag_of_other_settings_under_the_same_name_is_not_taken_for_this_one(tmp_path: Path) -> None:
    """A second slide of the same stem comes and goes: the first has two names in turn, and settings change between."""
    slides = write_slides(tmp_path / "slides", 1)
    one = small_job(slides, tmp_path / "job")
    done(one, {"s0.png"})
    (slides / "s0.bmp").write_bytes(b"")
    two = small_job(slides, tmp_path / "job", half=True)
    done(two, {"s0.png"})
    (bag,) = {two.bag(item) for item in two.items if item.slide.name == "s0.png"}
    assert bag.is_file() and not one.bag(one.items[0]).exists()  # of the old name nothing is left
    (slides / "s0.bmp").unlink()
    three = small_job(slides, tmp_path / "job", half=True)
    assert todo(three) == ["s0.png"]
    done(three, {"s0.png"})
    assert todo(three) == [] and not bag.exists() and three.bag(three.items[0]).is_file()


def test_a_slide_that_was_archived_after_it_had_its_bag_is_done(tmp_path: Path) -> None:
    slides = write_slides(tmp_path / "slides", 2)
    (slides / "list.csv").write_text("path\ns0.png\ns1.png\n")

    def job(half: bool = False) -> Job:
        return replace(small_job(slides, tmp_path / "job", half=half), slides=slides_of(slides / "list.csv"))

    done(job(), {"s0.png"})
    for number in range(2):
        (slides / f"s{number}.png").unlink()
    assert todo(job()) == ["s1.png"]
    assert todo(job(half=True)) == ["s0.png", "s1.png"]


def test_every_file_of_a_slide_counts(tmp_path: Path) -> None:
    slides = tmp_path / "slides"
    (slides / "m").mkdir(parents=True)
    (slides / "m.mrxs").touch()
    (slides / "m" / "Data0001.dat").touch()
    before = small_job(slides, tmp_path / "job").items[0].fingerprint
    (slides / "m" / "Data0001.dat").write_text("more")
    assert small_job(slides, tmp_path / "job").items[0].fingerprint != before
