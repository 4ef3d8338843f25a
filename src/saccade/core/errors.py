"""Errors a user can act on: one line that names the file or row and says what to do next."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "note"]


def one_line(message: str, remedy: str = "", source: str = "") -> str:
    """Join the parts to ``source: message. Remedy``, on one line whatever they hold.

    >>> one_line("the file is empty", "copy it again", "a.png")
    'a.png: the file is empty. Copy it again'
    """
    parts = [" ".join(text.split()).rstrip(".") for text in (message, remedy)]
    sentence = ". ".join(part[:1].upper() + part[1:] if index else part for index, part in enumerate(parts) if part)
    return f"{' '.join(source.split())}: {sentence}" if source else sentence


class SaccadeError(Exception):
    """Something went wrong that the user can mend; the command line prints it without a traceback.

    ``source`` is the file or row, ``message`` what is wrong with it and ``remedy`` the next step.
    """

    exit_code = 2

    def __init__(self, message: str, remedy: str = "", source: str = "") -> None:
        super().__init__(message, remedy, source)  # all three in args, so that it crosses processes by pickle
        self.message = message
        self.remedy = remedy
        self.source = source

    def __str__(self) -> str:
        return one_line(self.message, self.remedy, self.source)


class BadInput(SaccadeError):
    """What the user handed in cannot be used as it is: a file, a row, a value, a name."""


@dataclass(frozen=True)
class Problem:
    """One finding about the data: an ``error`` stops training or spoils its result, a ``note`` does neither."""

    message: str
    remedy: str = ""
    source: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        return one_line(self.message, self.remedy, self.source)

    @classmethod
    def of(cls, error: SaccadeError) -> "Problem":
        """The problem behind an error that was raised."""
        return cls(error.message, error.remedy, error.source)


def raise_first(problems: tuple[Problem, ...]) -> None:
    """Raise the first ``error`` among the problems as ``BadInput``, saying how many more there are."""
    errors = [problem for problem in problems if problem.severity == "error"]
    if not errors:
        return
    first, more = errors[0], len(errors) - 1
    message = f"{first.message} (and {more} more, listed by `saccade check`)" if more else first.message
    raise BadInput(message, first.remedy, first.source)
