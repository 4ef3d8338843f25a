"""What became of a slide: one small JSON file each, so that a job can be killed at any moment and go on."""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from saccade.core.files import claimed_path

Status = Literal["running", "done", "empty", "no mpp", "unsupported", "unreadable", "failed"]
Stage = Literal["open", "tissue", "read", "write", "done"]

FINISHED: tuple[Status, ...] = ("done", "empty")
"""These have a bag; all others are tried again by the next run."""


@dataclass(frozen=True)
class SlideState:
    """How far a slide has come.

    Attributes:
        slide: Its name in the job: the path relative to the folder or table.
        fingerprint: Of the settings, the slide's file and what the table says of it; another one asks for a new bag.
        status: ``running`` until something else is known; after a kill it stays that.
        stage: What was being done, last.
        attempts: How often it was begun with this fingerprint.
        error: Why there is no bag, in one line.
        seconds: Spent per stage, over all threads; ``wall`` is what passed on the clock.
        patches: Rows of the bag.
        mpp: Micrometres per base pixel, and where that came from.
        tissue: How tissue was found, and its area in mm².
        outputs: Files made, relative to the job.
        settings: The settings' hash.
    """

    slide: str
    fingerprint: str
    status: Status = "running"
    stage: Stage = "open"
    attempts: int = 1
    error: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    patches: int | None = None
    mpp: dict[str, Any] = field(default_factory=dict)
    tissue: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    settings: str = ""

    @property
    def finished(self) -> bool:
        """Whether it has its bag."""
        return self.status in FINISHED

    def but(self, **changes: Any) -> "SlideState":
        """The same with some fields changed."""
        return replace(self, **changes)

    def to_json(self) -> str:
        """All of it as text."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "SlideState":
        """From what ``to_json`` gave; keys that another version wrote and this one does not know are left out.

        Raises:
            ValueError: The text is no state.
        """
        found, known = json.loads(text), {each.name for each in fields(cls)}
        if not isinstance(found, dict) or not {"slide", "fingerprint"} <= found.keys():
            raise ValueError("not the state of a slide")
        return cls(**{key: value for key, value in found.items() if key in known})

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        with claimed_path(path) as temporary:
            temporary.write_text(self.to_json(), "utf-8")


def load_state(path: Path) -> SlideState | None:
    """The state of a slide; none where there is none, or an unreadable one: the slide is then begun anew."""
    try:
        return SlideState.from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
