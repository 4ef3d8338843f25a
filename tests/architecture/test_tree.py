"""One concept, one file, one test: the tests are the same tree as the package."""

from pathlib import Path


def untested_modules(package: Path, tests: Path) -> list[str]:
    """List the modules a/b.py of the package for which the tests hold no a/test_b.py."""
    modules = (m.relative_to(package) for m in sorted(package.rglob("*.py")) if not m.stem.startswith("__"))
    return [str(module) for module in modules if not (tests / module.parent / f"test_{module.name}").is_file()]


def test_every_module_has_its_test(root: Path) -> None:
    assert untested_modules(root / "src" / "saccade", root / "tests") == []


def test_untested_modules(tmp_path: Path) -> None:
    for name in ("package/__init__.py", "package/a.py", "package/deep/b.py", "package/deep/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "tests" / "deep").mkdir(parents=True)
    (tmp_path / "tests" / "test_a.py").touch()
    (tmp_path / "tests" / "test_b.py").touch()  # in the wrong folder
    (tmp_path / "tests" / "deep" / "test_c.py").touch()
    assert untested_modules(tmp_path / "package", tmp_path / "tests") == ["deep/b.py"]
