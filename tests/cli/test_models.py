"""The table of models names them all, and imports none."""

from collections.abc import Callable

from saccade.models import MODELS


def test_every_model_is_listed(saccade: Callable) -> None:
    printed = saccade("models").output
    for entry in MODELS:
        assert entry.name in printed
        assert entry.paper.split(",")[0] in printed
