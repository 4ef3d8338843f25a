"""Fetch a MedMNIST file: where it lies and what its digest is, the ``medmnist`` package says.

The package fetches by torchvision, which not every machine can import beside its torch; only its table of addresses is
used here, and the digest is checked before the file gets its name.
"""

import hashlib
import http.client
import urllib.request
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from saccade.core.errors import BadInput
from saccade.core.extras import install_extra
from saccade.core.files import claimed_path

SIZES = (28, 64, 128, 224)
_CHUNK = 2**20  # bytes
_TIMEOUT = 60.0


def download_medmnist(
    name: str, folder: Path | str, size: int = 64, progress: Callable[[int, int], None] = lambda done, total: None
) -> Path:
    """Fetch one of MedMNIST's sets, whole or not at all; a file that is there and sound is not fetched again.

    Args:
        name: Such as ``bloodmnist``.
        folder: Where to put ``NAME_64.npz``; for 28 pixels it is ``NAME.npz``, as MedMNIST calls it.
        size: Side of the images: 28, 64, 128 or 224.
        progress: Told how many of how many mebibytes have come, as far as the server says how many there are.

    Returns:
        The file.

    Raises:
        BadInput: The package is not installed, the name or size is unknown, or the file cannot be fetched or is not
            what the package says.
    """
    address, digest = _address(name, size)
    path = Path(folder) / (f"{name}.npz" if size == SIZES[0] else f"{name}_{size}.npz")
    if path.is_file() and _digest(path) == digest:
        return path
    with claimed_path(path) as temporary:
        _fetch(address, temporary, progress)
        if (found := _digest(temporary)) != digest:
            message = f"is not the file that medmnist names (its MD5 is {found}, not {digest})"
            raise BadInput(message, "try again, or fetch it by hand from medmnist.com", address)
    return path


def _address(name: str, size: int) -> tuple[str, str]:
    """Address and MD5 of a set."""
    known = _known()
    if name not in known:
        flat = ", ".join(each for each in known if not each.endswith("3d"))
        raise BadInput(f"medmnist has no set called {name!r}", f"choose among {flat}")
    suffix = "" if size == SIZES[0] else f"_{size}"
    facts = known[name]
    if size not in SIZES or f"url{suffix}" not in facts:
        raise BadInput(f"medmnist has no {name} of {size} pixels", f"choose among {', '.join(map(str, SIZES))}")
    return facts[f"url{suffix}"], facts[f"MD5{suffix}"]


def _known() -> Mapping[str, Mapping[str, Any]]:
    """The package's table."""
    try:
        return import_module("medmnist").INFO
    except ImportError:
        remedy = f"{install_extra('medmnist')}; or fetch the .npz from medmnist.com and give it to --data"
        raise BadInput("the package medmnist is not installed", remedy) from None


def _fetch(address: str, target: Path, progress: Callable[[int, int], None]) -> None:
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT) as answer, target.open("wb") as file:
            chunks, done = -(-int(answer.headers.get("Content-Length") or 0) // _CHUNK), 0
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                done += 1
                progress(done, chunks or done + 1)
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError, and so is a full disk
        reason = getattr(error, "reason", error)
        raise BadInput(
            f"cannot be fetched ({reason})", "check the network and the disk, or fetch it by hand", address
        ) from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
