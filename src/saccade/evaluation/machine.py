"""What a result was measured on: kept beside figures of time and memory, which say little without it."""

import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

import torch

import saccade


def describe_machine() -> dict[str, Any]:
    """Date, versions, processor, cores and threads; neither the machine's name nor a path.

    >>> describe_machine()["saccade"] == saccade.__version__
    True
    """
    return {
        "date": date.today().isoformat(),
        "saccade": saccade.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def _processor() -> str:
    """The processor's name, as far as the system tells."""
    known = Path("/proc/cpuinfo")
    if known.exists():
        for line in known.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
