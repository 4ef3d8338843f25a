"""What a job says of itself."""

import csv
from pathlib import Path

import yaml

from saccade.features.embedding.job_files import settings_changed, write_job
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
    assert settings_changed(other) == ["settings have changed: half, source_mpp"]


def test_what_is_the_same_is_not_written_again(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    write_job(job)
    times = [path.stat().st_mtime_ns for path in sorted(job.folder.iterdir())]
    write_job(job)
    assert times == [path.stat().st_mtime_ns for path in sorted(job.folder.iterdir())]
