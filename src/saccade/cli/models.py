"""``saccade models``: what can be trained."""

from saccade.cli.console import show_table


def models() -> None:
    """List the models: what each is, and the paper it comes from."""
    from saccade.models import MODELS

    columns = ("name", "scale", "role", "summary", "paper", "licence")
    show_table(columns, [tuple(getattr(entry, column) for column in columns) for entry in MODELS])
