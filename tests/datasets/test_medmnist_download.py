"""Files of MedMNIST are fetched whole and as the package says, or not at all."""

import hashlib
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from saccade.core.errors import BadInput
from saccade.datasets.medmnist_download import SIZES, download_medmnist

CONTENT = b"not really an archive" * 100_000
ASKED: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """``/whole`` is the file, ``/half`` breaks off, ``/gone`` is not there, ``/torn`` speaks no HTTP."""

    def do_GET(self) -> None:
        ASKED.append(self.path)
        if self.path == "/gone":
            self.send_error(404)
            return
        if self.path == "/torn":
            self.wfile.write(b"nonsense\r\n\r\n")
            return
        self.send_response(200)
        if self.path != "/unsaid":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2] if self.path == "/half" else CONTENT)

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[str, str]]]:
    """A stand-in for the package, whose addresses are on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address, digest = f"http://127.0.0.1:{server.server_port}", hashlib.md5(CONTENT).hexdigest()
    known = {
        name: {"url_64": f"{address}/{name}", "MD5_64": digest, "url": f"{address}/{name}", "MD5": digest}
        for name in ("whole", "half", "gone", "torn", "unsaid")
    }
    package = ModuleType("medmnist")
    package.INFO = known  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "medmnist", package)
    ASKED.clear()
    yield known
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(("size", "called"), [(28, "whole.npz"), (64, "whole_64.npz")])
def test_a_file_is_fetched_once(size: int, called: str, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = download_medmnist("whole", tmp_path / "data", size, lambda *numbers: told.append(numbers))
    assert path == tmp_path / "data" / called and path.read_bytes() == CONTENT
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert download_medmnist("whole", tmp_path / "data", size) == path
    assert ASKED == ["/whole"]
    path.write_bytes(b"damaged")
    assert download_medmnist("whole", tmp_path / "data", size).read_bytes() == CONTENT


@pytest.mark.usefixtures("table")
def test_a_server_that_does_not_say_how_much_there_is(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    assert download_medmnist("unsaid", tmp_path, 64, lambda *numbers: told.append(numbers)).read_bytes() == CONTENT
    assert told == [(1, 2), (2, 3), (3, 4)]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("name", "message"), [("half", "is not the file"), ("gone", "cannot be fetched"), ("torn", "cannot be fetched")]
)
def test_nothing_is_left_of_what_did_not_come_whole(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message) as raised:
        download_medmnist(name, tmp_path)
    assert f"/{name}" in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("table")
def test_what_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no set called 'bloodmist'.*whole, half"):
        download_medmnist("bloodmist", tmp_path)
    for size in (32, 224):
        with pytest.raises(BadInput, match=f"no whole of {size} pixels.*28, 64, 128, 224"):
            download_medmnist("whole", tmp_path, size)


def test_without_the_package_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "medmnist", None)
    with pytest.raises(BadInput, match=r'install .*"\.\[medmnist\]"'):
        download_medmnist("bloodmnist", tmp_path)


def test_the_package_has_the_keys_that_are_asked_for() -> None:
    info = pytest.importorskip("medmnist", reason="medmnist is not installed").INFO
    for size in SIZES:
        suffix = "" if size == 28 else f"_{size}"
        assert info["bloodmnist"][f"url{suffix}"].startswith("https://")
        assert len(info["bloodmnist"][f"MD5{suffix}"]) == 32
