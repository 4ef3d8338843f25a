"""``saccade doctor``: is this machine ready?"""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer

from saccade.cli.console import say, show_table
from saccade.core.errors import SaccadeError

_PACKAGES = ("lightning", "monai", "numpy", "opencv-python-headless", "pillow", "imagecodecs", "h5py")
_SLIDE_PACKAGES = ("openslide-python", "openslide-bin", "tifffile", "pydicom")
_LOW_DISK = 2 * 2**30
_FEW_FILES = 256  # a worker of an embedding keeps some twenty open, and so does a data loader


def doctor() -> None:
    """Show what this machine has, and try a small model on it; exit 2 if something does not work."""
    rows, failed = [], []
    for name, probe in _PROBES.items():
        try:
            rows.append((name, "ok", probe()))
        except Exception as error:  # whatever it is, the user is here to be told
            rows.append((name, "failed", " ".join(f"{type(error).__name__}: {error}".split())[:200]))
            failed.append(name)
    show_table(("part", "", "what was found"), rows)
    if failed:
        say(f"{', '.join(failed)} failed: install saccade again into a fresh environment, or see the line above")
        raise typer.Exit(SaccadeError.exit_code)
    say("all is well")


def _python() -> str:
    return f"{platform.python_version()} at {sys.executable}, {platform.platform()}"


def _torch() -> str:
    import torch

    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU only"
    devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return f"{torch.__version__} ({build}), {torch.get_num_threads()} threads, GPUs: {', '.join(devices) or 'none'}"


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB of memory"
    return f"{platform.machine()}, {cores} cores{memory}"


def _disk() -> str:
    free = shutil.disk_usage(Path.cwd()).free
    warning = ": low, a training may not fit" if free < _LOW_DISK else ""
    return f"{free / 2**30:.1f} GiB free in {Path.cwd()}{warning}"


def _packages() -> str:
    return ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)


def _extras() -> str:
    """Which of the optional groups of packages are complete, as the package's own metadata lists them."""
    from importlib.metadata import metadata, requires

    try:
        names = metadata("saccade").get_all("Provides-Extra") or []
    except PackageNotFoundError:
        return "unknown: saccade runs from its sources, without being installed"
    found = {name: _has_all(name, requires("saccade") or []) for name in names}
    return ", ".join(f"{name} {'installed' if there else 'not installed'}" for name, there in found.items()) or "none"


def _has_all(extra: str, requirements: list[str]) -> bool:
    import re

    wanted = [line for line in requirements if re.search(rf"extra\s*==\s*['\"]{re.escape(extra)}['\"]", line)]
    names = [re.split(r"[\s\[<>=!~;(]", line, maxsplit=1)[0] for line in wanted]
    return all(_version(name) != "missing" for name in names)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _codecs() -> str:
    """Write and load back a small image of every kind."""
    import tempfile

    import numpy as np
    import tifffile
    from PIL import Image

    from saccade.imaging.image_files import load_image

    pixels = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    with tempfile.TemporaryDirectory() as folder:
        for path in _written(Path(folder), pixels, Image, tifffile):
            if load_image(path).shape != pixels.shape:
                raise RuntimeError(f"{path.name} came back with another shape")
    return "PNG, JPEG, BMP, TIFF (plain, LZW, deflate, JPEG), NPY"


def _written(folder: Path, pixels, image, tifffile) -> Iterator[Path]:
    import numpy as np

    for suffix in ("png", "jpg", "bmp"):
        image.fromarray(pixels).save(folder / f"a.{suffix}")
        yield folder / f"a.{suffix}"
    for compression in (None, "lzw", "deflate", "jpeg"):
        path = folder / f"{compression}.tif"
        tifffile.imwrite(path, pixels, compression=compression, photometric="rgb")
        yield path
    np.save(folder / "a.npy", pixels)
    yield folder / "a.npy"


def _slides() -> str:
    """Write a small tiled file, read it through OpenSlide and tifffile, and compare."""
    import tempfile

    import numpy as np
    import openslide
    import tifffile

    from saccade.imaging.slides.openslide_reader import OpenSlideReader
    from saccade.imaging.slides.tiff_reader import TiffReader

    pixels = np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tif"
        tifffile.imwrite(path, pixels, tile=(32, 32), photometric="rgb", compression="deflate")
        for reader in (OpenSlideReader(path), TiffReader(path)):
            if not (reader.read_region(20, 10, 0, 30, 40) == pixels[10:50, 20:50]).all():
                raise RuntimeError(f"{reader.facts.backend} came back with other pixels")
            reader.close()
    versions = ", ".join(f"{name} {_version(name)}" for name in _SLIDE_PACKAGES)
    return f"OpenSlide {openslide.__library_version__}; {versions}"


def _open_files() -> str:
    """How many files a process may have open; slides, their workers and data loaders each need some."""
    try:
        import resource
    except ImportError:
        return "no limit that can be asked for on this system"
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    names = ["unlimited" if value == resource.RLIM_INFINITY else str(value) for value in (limit, most)]
    warning = f": low, raise it by `ulimit -n {_FEW_FILES * 4}`" if 0 <= limit < _FEW_FILES else ""
    return f"{names[0]} per process, may be raised to {names[1]}{warning}"


def _hub() -> str:
    """Whether the model hub is reached, and as someone; the token itself is nobody's business."""
    from huggingface_hub import constants, get_token

    token = "a token is set" if get_token() else "no token is set; models that ask for consent need one (HF_TOKEN)"
    return f"{token}{'; offline (HF_HUB_OFFLINE)' if constants.HF_HUB_OFFLINE else ''}"


def _forward() -> str:
    """Classify two made-up images on every device."""
    import torch

    from saccade.models import create_model

    devices = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    model = create_model("sparse-attn-net", ("a", "b"), budget=20).eval()
    for device in devices:
        logits = model.to(device)(torch.rand(2, 3, 16, 16, device=device)).logits
        if not logits.isfinite().all():
            raise RuntimeError(f"numbers that are not finite on {device}")
    return f"sparse-attn-net classified two images on {', '.join(devices)}"


_PROBES: dict[str, Callable[[], str]] = {
    "python": _python,
    "torch": _torch,
    "machine": _machine,
    "disk": _disk,
    "open files": _open_files,
    "packages": _packages,
    "extras": _extras,
    "model hub": _hub,
    "image files": _codecs,
    "slide files": _slides,
    "a forward pass": _forward,
}
