"""Peak memory of classifying a batch, measured in a process of its own.

In a long-lived process a peak tells of whatever ran before. A child process imports what the model needs, notes its
resident memory as the base, builds the model and the images, classifies them once, and reports how far its
resident memory rose above the base: weights, images and everything in between.

Fields are handed over as they are stored, 8 bits a pixel. Beside so few bytes the libraries' own code, which counts as
resident once it has run, would be most of the figure, so the child classifies one small field before it notes the base.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from saccade.core.errors import SaccadeError


def peak_memory_bytes(
    factory: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    shape: Sequence[int],
    repeats: int = 3,
    threads: int | None = None,
    timeout: float = 600.0,
    stored: bool = False,
) -> int | None:
    """Measure the peak memory of building a model and classifying one batch: the median of some children.

    Where the kernel lets a process forget its peak (Linux, ``/proc/self/clear_refs``) the figure is the peak
    of resident memory above the base. Elsewhere (macOS, hardened containers) it is how far the process's
    all-time peak rose, a lower bound, and ``None`` where it did not rise. Windows has neither: ``None``.

    Args:
        factory: ``module:function`` that builds the model, such as ``saccade.models:create_model``; a
            function that returns several things, such as one that loads a run, must return the model first.
        arguments: Its keyword arguments, as JSON can hold them; lists arrive as tuples.
        shape: Shape of the batch, images first.
        repeats: How many children are asked.
        threads: Threads torch may use in the child, which its buffers depend on; torch's own choice if not given.
        timeout: Seconds a child may take.
        stored: The images are fields: stored in 8 bits, after a small one that does not count.

    Raises:
        SaccadeError: A child failed, was killed or took too long.
    """
    request = {
        "factory": factory,
        "arguments": dict(arguments or {}),
        "shape": list(shape),
        "threads": threads,
        "stored": stored,
    }
    measured = [_ask_child(json.dumps(request), timeout) for _ in range(repeats)]
    known = [extra for extra in measured if extra is not None]
    return int(median(known)) if len(known) == len(measured) else None


def _ask_child(request: str, timeout: float) -> int | None:
    """Run the probe once, with this process's import path."""
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    command = [sys.executable, "-m", "saccade.evaluation.memory_probe", request]
    remedy = "try a smaller batch"
    try:
        child = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SaccadeError(f"measuring memory took over {timeout:g} seconds", remedy) from error
    if child.returncode < 0:
        message = f"measuring memory was killed by signal {-child.returncode}, for lack of memory perhaps"
        raise SaccadeError(message, remedy)
    if child.returncode > 0:
        lines = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
        raise SaccadeError(f"measuring memory failed: {lines[-1]}", "check the model's name and options")
    return json.loads(child.stdout.strip().splitlines()[-1])["extra"]  # what the model printed comes before
