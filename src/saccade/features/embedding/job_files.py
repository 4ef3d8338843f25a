"""The job's own files: ``job.yaml``, the settings, and ``manifest.csv``, the slides."""

import csv
import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from saccade.core.errors import BadInput
from saccade.core.files import AlreadyClaimed, claimed_path
from saccade.features.embedding.job import Job
from saccade.imaging.slides.finding import JOB_NAME, MANIFEST_NAME, is_job

_COLUMNS = ("path", "label", "case_id", "split", "mpp", "site", "tissue_path", "annotation_path", "time", "event")
_PATHS = ("path", "tissue_path", "annotation_path")


def check_folder(folder: Path, slides: Path) -> None:
    """Refuse a job's folder in which its files and the user's would be taken for each other's.

    Raises:
        BadInput: It is a file, the folder of the slides or of their manifest, or holds a manifest that no job wrote.
    """
    for path in (folder, *folder.parents):
        if path.exists() and not path.is_dir():
            raise BadInput("is a file, not a folder", "choose another folder for the job", str(path))
    home = slides.resolve() if slides.is_dir() else slides.resolve().parent
    own_list = is_job(folder) and slides.name == MANIFEST_NAME  # a job gone on with by what it wrote
    if folder.resolve() == home and not own_list:
        remedy = f"give a folder of its own, such as --out {folder / 'job'}"
        raise BadInput("is where the slides are, and a job writes a manifest.csv of its own", remedy, str(folder))
    if (folder / MANIFEST_NAME).exists() and not (folder / JOB_NAME).exists():
        remedy = "choose another folder for the job, or move that file"
        raise BadInput(f"holds a {MANIFEST_NAME} that no job wrote", remedy, str(folder))


def write_job(job: Job) -> None:
    """Write both; a file that says the same already is left alone, so that shards do not disturb each other."""
    settings = {**job.settings.as_dict(), "hash": job.settings.hash()}
    for name, text in ((JOB_NAME, yaml.safe_dump(_plain(settings), sort_keys=False)), (MANIFEST_NAME, _table(job))):
        path = job.folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            with suppress(AlreadyClaimed), claimed_path(path) as temporary:  # another shard is writing the same
                temporary.write_text(text, "utf-8")


def settings_changed(job: Job) -> list[str]:
    """What differs from the settings that the job was last run with, one line; nothing where that is not known."""
    try:
        before = yaml.safe_load((job.folder / JOB_NAME).read_text("utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, yaml.YAMLError):
        return []
    if not isinstance(before, dict) or (before := {**before}).pop("hash", None) == job.settings.hash():
        return []
    names = job.settings.changes(before)
    return [f"since the last run, settings have changed: {', '.join(names)}"] if names else []


def _table(job: Job) -> str:
    """The slides, with absolute paths: a job may lie anywhere."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for slide in job.slides:
        writer.writerow([_cell(name, getattr(slide, name)) for name in _COLUMNS])
    return text.getvalue()


def _cell(name: str, value: Any) -> Any:
    """A value as a manifest writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    return os.path.abspath(value) if name in _PATHS else value


def _plain(value: Any) -> Any:
    """What YAML can hold."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
