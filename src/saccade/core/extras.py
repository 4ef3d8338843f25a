"""How to install what not everybody needs: saccade installs from a clone, and so do its extras."""


def installation(extra: str) -> str:
    """The command that installs an extra, to be given in the folder of the clone; see ``docs/start/install.md``.

    >>> installation("timm")
    'pip install --constraint constraints.txt ".[timm]"'
    """
    return f'pip install --constraint constraints.txt ".[{extra}]"'


def install_extra(extra: str) -> str:
    """The remedy where something of an extra is missing.

    >>> install_extra("timm")
    'in the folder of the clone, run pip install --constraint constraints.txt ".[timm]"'
    """
    return f"in the folder of the clone, run {installation(extra)}"
