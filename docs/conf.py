"""How the documentation is built: Markdown pages, and a reference written from the modules themselves."""

from pathlib import Path

from sphinx.application import Sphinx

import saccade

project = "saccade"
release = version = saccade.__version__
author = "the saccade authors"
copyright = "the saccade authors, Apache-2.0"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "saccade"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_inherit_docstrings = False  # what a base class of another library says is documented there
autodoc_member_order = "bysource"
# What a package's __init__ passes on is described once, in the module where it is written.
autodoc_default_options = {"members": True, "show-inheritance": True, "ignore-module-all": True}
napoleon_numpy_docstring = False
napoleon_use_ivar = True


def write_reference(app: Sphinx) -> None:
    """Write reference/api: a page for each package, with its own words and then each of its modules."""
    source = Path(saccade.__file__).parent
    folder = Path(app.srcdir) / "reference" / "api"
    folder.mkdir(parents=True, exist_ok=True)
    pages = {}
    for package in sorted(source.rglob("*/__init__.py")):
        inside = [m for m in sorted(package.parent.glob("*.py")) if not m.stem.startswith("__")]
        names = [".".join(m.relative_to(source.parent).with_suffix("").parts) for m in [package.parent, *inside]]
        blocks = [f"{name}\n{'=-'[i > 0] * len(name)}\n\n.. automodule:: {name}\n" for i, name in enumerate(names)]
        pages[folder / f"{names[0]}.rst"] = "\n".join(blocks)
    for stale in set(folder.iterdir()) - set(pages):
        stale.unlink()
    for page, text in pages.items():
        if not page.exists() or page.read_text(encoding="utf-8") != text:  # untouched pages are not built again
            page.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Have the reference written before pages are looked for."""
    app.connect("builder-inited", write_reference)
