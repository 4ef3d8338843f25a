"""The summary of a job, from states made by hand."""

from pathlib import Path

from saccade.features.embedding.state import SlideState
from saccade.features.embedding.summary import states_of, write_summary
from saccade.imaging.slides.openslide_reader import WHOLE_PIXELS
from tests.features.embedding.small_slides import small_job, write_slides


def test_failures_come_first_and_times_add_up(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 4), tmp_path / "job")
    good = {"status": "done", "patches": 1200, "mpp": {"value": 0.25, "source": "aperio.MPP"}}
    states = [
        SlideState("s0.png", "f", **good, seconds={"read": 1.5, "encode": 0.5, "wall": 1.0}),
        SlideState("s1.png", "f", status="unreadable", error="s1.png: is damaged. Copy it again"),
        SlideState("s2.png", "f", **good, seconds={"read": 4.5, "encode": 1.5, "wall": 3.0}),
    ]
    text = write_summary(job, states).read_text("utf-8")
    assert text.startswith("# 4 slides: 2 done, 1 unreadable, 1 not begun\n")
    assert "2,400 patches of 32 pixels at 2 µm per pixel, encoder mean-colour" in text
    assert "| read | 6.0 | 75 |" in text and "| encode | 2.0 | 25 |" in text
    assert text.index("- **unreadable** s1.png: s1.png: is damaged. Copy it again") < text.index("## Slides")
    assert "| s0.png | done | 1200 | 0.25 | aperio.MPP |" in text


def test_a_bar_in_a_name_borders_no_cell(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    text = write_summary(job, [SlideState("a|b.png", "f", status="done")]).read_text("utf-8")
    assert "| a\\|b.png | done |" in text
    head, rule, row = text.splitlines()[-3:]
    assert row.replace("\\|", "").count("|") == head.count("|") == rule.count("|")


def test_it_says_where_decompression_is_counted(tmp_path: Path) -> None:
    """``tissue`` unpacks small levels, so that ``read`` finds them at hand; the limit told is the reader's own."""
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    text = write_summary(job, [SlideState("s0.png", "f", status="done", seconds={"read": 1.0})]).read_text("utf-8")
    assert "*Tissue* and *read* both hold files and decompression" in text
    assert f"({WHOLE_PIXELS // 2**20} megapixels in OpenSlide)" in text


def test_states_of_all_shards_are_found(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 3), tmp_path / "job")
    for item in job.items[:2]:
        SlideState(item.slide.name, item.fingerprint, status="empty").write(job.state(item))
    assert [state.slide for state in states_of(job)] == ["s0.png", "s1.png"]
    assert write_summary(job, states_of(job), "-1-of-2").name == "summary-1-of-2.md"
