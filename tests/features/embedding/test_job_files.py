"""What a job says of itself."""

import csv
from pathlib import Path

import pytest
import yaml

from saccade.core.errors import BadInput
from saccade.features.embedding.job import Job
from saccade.features.embedding.job_files import check_folder, settings_changed, write_job
from saccade.imaging.slides.finding import slides_of
from tests.features.embedding.small_slides import small_job, write_slides


def test_settings_and_slides_are_written_down(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 2), tmp_path / "job")
    assert settings_changed(job) == []
    write_job(job)
    told = yaml.safe_load((tmp_path / "job" / "job.yaml").read_text())
    assert told["hash"] == job.settings.hash() and told["patches"]["patch"] == 32
    rows = list(csv.DictReader((tmp_path / "job" / "manifest.csv").open()))
    assert [Path(row["path"]).name for row in rows] == ["s0.png", "s1.png"]
    assert settings_changed(job) == []
    other = small_job(tmp_path / "slides", tmp_path / "job", half=True, source_mpp=1.0)
    assert settings_changed(other) == ["since the last run, settings have changed: half, source_mpp"]


def test_what_is_the_same_is_not_written_again(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    write_job(job)
    times = [path.stat().st_mtime_ns for path in sorted(job.folder.iterdir())]
    write_job(job)
    assert times == [path.stat().st_mtime_ns for path in sorted(job.folder.iterdir())]


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "\xff\xfe"])
def test_settings_that_say_nothing(tmp_path: Path, text: str) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    write_job(job)
    (job.folder / "job.yaml").write_bytes(text.encode("latin-1"))
    assert settings_changed(job) == []


def test_the_list_of_slides_opens_wherever_the_job_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that a manifest says of them."""
    folder = write_slides(tmp_path / "slides", 2)
    (folder / "list.csv").write_text("path,label,site,time,event,mpp\ns0.png,a,x,3.5,1,0.5\ns1.png,b,,,,\n")
    monkeypatch.chdir(tmp_path)
    given = slides_of(Path("slides/list.csv"))
    job = small_job(folder, tmp_path / "job")
    write_job(Job(job.folder, job.settings, given))
    monkeypatch.chdir(tmp_path / "job")
    found = slides_of(tmp_path / "job" / "manifest.csv")
    assert [slide.path for slide in found] == [folder / "s0.png", folder / "s1.png"]
    for name in ("label", "site", "time", "event", "mpp"):
        assert [getattr(slide, name) for slide in found] == [getattr(slide, name) for slide in given]


def test_a_job_does_not_write_where_the_slides_or_their_manifest_are(tmp_path: Path) -> None:
    slides = write_slides(tmp_path / "slides", 1)
    for source in (slides, slides / "s0.png", slides / "list.csv"):
        with pytest.raises(BadInput, match=r"is where the slides are.*--out"):
            check_folder(slides, source)
    check_folder(slides / "job", slides)
    check_folder(tmp_path, slides)
    (tmp_path / "manifest.csv").write_text("path\n")
    with pytest.raises(BadInput, match=r"holds a manifest\.csv that no job wrote"):
        check_folder(tmp_path, slides)
    (tmp_path / "file").touch()
    for folder in ("file", "file/job"):
        with pytest.raises(BadInput, match="file: is a file"):
            check_folder(tmp_path / folder, slides)


def test_a_job_goes_on_with_its_own_list(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    write_job(job)
    (job.folder / "state").mkdir()
    check_folder(job.folder, job.folder / "manifest.csv")
    check_folder(job.folder, tmp_path / "slides")
