"""What measurements have in common: what they ran on, and what those of time are asked for."""

import argparse
from pathlib import Path

import torch

from saccade.evaluation.machine import describe_machine

__all__ = ["describe_machine", "timing_arguments"]


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
