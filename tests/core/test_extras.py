"""The extras that errors and pages speak of exist, and are installed in one way."""

import re
import tomllib
from pathlib import Path

from saccade.core.extras import install_extra, installation


def test_the_command_is_that_of_the_install_page(root: Path) -> None:
    page = (root / "docs" / "start" / "install.md").read_text(encoding="utf-8")
    assert installation("timm").replace('".[timm]"', ".") in page
    assert installation("timm") in install_extra("timm")


def test_extras_that_are_spoken_of_exist(root: Path) -> None:
    known = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    sources = [*(root / "src").rglob("*.py"), *(root / "docs").rglob("*.md"), root / "README.md"]
    texts = [path.read_text(encoding="utf-8") for path in sources]
    named = {name for text in texts for name in re.findall(r"install_extra\(\"(\w+)\"\)|\"\.\[(\w+)\]\"", text)}
    assert {one or other for one, other in named} <= known.keys()
    assert not [path for path, text in zip(sources, texts, strict=True) if re.search(r"saccade\[\w+\]", text)]
