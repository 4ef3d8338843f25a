"""Whatever goes wrong with a file of pixels, in one line that names it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from saccade.core.errors import BadInput

COPY_AGAIN = "copy it again from its source, or remove it"


@contextmanager
def told_in_one_line(path: Path, kind: str = "what its name says") -> Iterator[None]:
    """Raise what goes wrong with a file inside as ``BadInput`` with its name; an empty file goes wrong at once.

    Decoders fail in every way there is: struct.error, SyntaxError, zlib.error and more.

    >>> with told_in_one_line(Path("absent.png")):
    ...     pass
    Traceback (most recent call last):
    saccade.core.errors.BadInput: absent.png: there is no such file. Check the path

    Args:
        path: The file.
        kind: What it is damaged or not.
    """
    source = str(path)
    try:
        if path.stat().st_size == 0:
            raise BadInput("the file is empty", COPY_AGAIN)
        yield
    except BadInput as error:
        raise BadInput(error.message, error.remedy, source) from error
    except FileNotFoundError:
        raise BadInput("there is no such file", "check the path", source) from None
    except (IsADirectoryError, PermissionError) as error:
        raise BadInput(f"cannot be opened ({error.strerror})", "check the file and its permissions", source) from error
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise BadInput(f"is damaged or not {kind} ({reason})", COPY_AGAIN, source) from error
