"""Imports point one way, stay light, and never meet torchvision or timm."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

# What a command's --help can do without: each costs a noticeable part of half a second, or several.
HEAVY = {"cv2", "lightning", "matplotlib", "monai", "numpy", "scipy", "sklearn", "torch", "torchmetrics"}
TORCH_FREE = ("errors", "manifest", "registry", "splits", "units")


def run_python(code: str, *arguments: str, path: str = "") -> str:
    """Run code in a fresh interpreter and return what it printed last."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, [path, os.environ.get("PYTHONPATH")])))
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def imported_by(code: str, *arguments: str) -> set[str]:
    """Return the top-level packages that running the code imports."""
    listing = "\nimport sys\nprint(' '.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    return set(run_python(code + listing, *arguments).split())


def test_layers(root: Path) -> None:
    """In a process of its own: import-linter sets up logging and silences the loggers of whatever runs after it."""
    code = "import sys\nfrom importlinter.cli import lint_imports\n"
    code += "print(lint_imports(config_filename=sys.argv[1], no_cache=True))"
    assert run_python(code, str(root / "pyproject.toml")) == "0"


def test_layers_are_those_of_the_layout_page(root: Path) -> None:
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    page = (root / "docs" / "reference" / "layout.md").read_text()
    assert " > ".join(layers) in page.replace("`", "")
    packages = {path.parent.name for path in (root / "src" / "saccade").glob("*/__init__.py")}
    assert packages == {name.strip() for layer in layers for name in layer.split("|")}
    assert all(f"\n  {package}/ " in page for package in packages), "the tree picture leaves out a package"


def test_saccade_is_light() -> None:
    assert not imported_by("import saccade; dir(saccade); saccade.__version__") & HEAVY


@pytest.mark.parametrize("module", TORCH_FREE)
def test_core_parts_without_torch(module: str) -> None:
    assert "torch" not in imported_by(f"import saccade.core.{module}")


@pytest.mark.parametrize("command", [(), ("demo",), ("train",), ("cv",), ("predict",), ("evaluate",), ("explain",)])
def test_help_is_light(command: tuple[str, ...]) -> None:
    code = "from saccade.cli.app import main\ntry:\n  main()\nexcept SystemExit as end:\n  assert not end.code"
    assert not imported_by(code, *command, "--help") & HEAVY


def test_public_names() -> None:
    import saccade

    assert all(getattr(saccade, name) is not None for name in saccade.__all__)
    assert set(saccade.__all__) <= set(dir(saccade))
    with pytest.raises(AttributeError, match="no attribute 'sacade'"):
        saccade.sacade  # noqa: B018


def test_broken_torchvision_and_timm_do_no_harm(tmp_path: Path) -> None:
    """Beside a CPU-only torch both are there but fail to import, with an error that is no ImportError.

    Only training is not safe from that: Lightning imports a torchvision that it finds, and only training imports
    Lightning, so trained models predict even there.
    """
    for name in ("torchvision", "timm"):
        (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('operator {name}::nms does not exist')")
    code = (
        "import importlib, pkgutil, sys, saccade\n"
        "modules = [m.name for m in pkgutil.walk_packages(saccade.__path__, 'saccade.')]\n"
        "[importlib.import_module(m) for m in modules if not m.startswith('saccade.training.')]\n"
        "assert 'lightning' not in sys.modules\n"
        "print(len(modules))"
    )
    assert int(run_python(code, path=str(tmp_path))) > 10
