"""The job's own files: ``job.yaml``, the settings, and ``manifest.csv``, the slides."""

import csv
import io
from contextlib import suppress
from typing import Any

import yaml

from saccade.core.files import AlreadyClaimed, claimed_path
from saccade.features.embedding.job import Job

_COLUMNS = ("path", "label", "case_id", "split", "mpp", "site", "tissue_path", "annotation_path")


def write_job(job: Job) -> None:
    """Write both; a file that says the same already is left alone, so that shards do not disturb each other."""
    settings = {**job.settings.as_dict(), "hash": job.settings.hash()}
    for name, text in (("job.yaml", yaml.safe_dump(_plain(settings), sort_keys=False)), ("manifest.csv", _table(job))):
        path = job.folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            with suppress(AlreadyClaimed), claimed_path(path) as temporary:  # another shard is writing the same
                temporary.write_text(text, "utf-8")


def settings_changed(job: Job) -> list[str]:
    """What differs from the settings that the job was last run with, one line; nothing where that is not known."""
    try:
        before = yaml.safe_load((job.folder / "job.yaml").read_text("utf-8"))
    except (FileNotFoundError, yaml.YAMLError):
        return []
    before.pop("hash", None)
    names = job.settings.changes(before)
    return [f"settings have changed: {', '.join(names)}"] if names else []


def _table(job: Job) -> str:
    """The slides, with absolute paths: a job may lie anywhere."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for slide in job.slides:
        writer.writerow(["" if (value := getattr(slide, name, None)) is None else value for name in _COLUMNS])
    return text.getvalue()


def _plain(value: Any) -> Any:
    """What YAML can hold."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
