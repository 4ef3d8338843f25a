"""What a result was measured on: written into every file, since a figure without its machine says little."""

import argparse
import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

import torch

import saccade


def describe_machine() -> dict[str, Any]:
    """Date, versions, processor, cores and threads."""
    return {
        "date": date.today().isoformat(),
        "saccade": saccade.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def timing_arguments(how: str | None) -> argparse.Namespace:
    """What every measurement of time is asked for: ``out``, ``rounds`` and ``threads``, which torch is given at once.

    Weights are drawn alike from run to run.
    """
    parser = argparse.ArgumentParser(description=how, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    return arguments


def _processor() -> str:
    """The processor's name, as far as the system tells."""
    known = Path("/proc/cpuinfo")
    if known.exists():
        for line in known.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
