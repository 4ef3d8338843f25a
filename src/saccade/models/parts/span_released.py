"""Weights of the authors' released SPAN encoder under our names: theirs first, then ours.

- ``learnable_tokens.0``: ``token``
- ``blocks.0.modules_dict.convs_0.0.conv_block.linear.0``: ``enter.0.cells``
- ``blocks.0.modules_dict.convs_0.0.identity_proj``: ``enter.0.token``
- ``blocks.S.modules_dict.convs_0.0.global_input_norm``: ``enter.S.token_norm``
- ``blocks.S.modules_dict.convs_0.0.conv_block.input_norm``: ``enter.S.norm``
- ``blocks.S.modules_dict.convs_0.0.conv_block.dwconv.weight``: ``enter.S.weight``
- ``blocks.S.modules_dict.trans_2.0.trans_block.table_RPB.adjustment_tables``: ``refine.S.table``
- in the same block, ``q1 k1 v1``: ``refine.S.query key value``
- ``q2 k2 v2``: ``refine.S.global_query global_key global_value``
- ``fc_out ffn norm1 norm2``: ``refine.S.out feed_forward norm feed_forward_norm``
"""

import re
from collections.abc import Mapping

from torch import Tensor

from saccade.core.errors import BadInput

_BLOCK = re.compile(r"blocks\.(\d)\.modules_dict\.(?:convs_0\.0|trans_2\.0\.trans_block)\.(.+)")
_ENTRANCE = {
    "conv_block.linear.0.": "cells.",
    "identity_proj.": "token.",
    "global_input_norm.": "token_norm.",
    "conv_block.input_norm.": "norm.",
    "conv_block.dwconv.": "",
}
_REFINEMENT = {
    "table_RPB.adjustment_tables": "table",
    "q1.": "query.",
    "k1.": "key.",
    "v1.": "value.",
    "q2.": "global_query.",
    "k2.": "global_key.",
    "v2.": "global_value.",
    "fc_out.": "out.",
    "ffn.": "feed_forward.",
    "norm1.": "norm.",
    "norm2.": "feed_forward_norm.",
}


def state_from_released(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of the released encoder as one of ours: ``model.aggregate.load_state_dict(…)`` takes it.

    The release applied its weights in ``compatibility="released"``; the correct geometry takes the same ones.

    >>> list(state_from_released({"blocks.1.modules_dict.trans_2.0.trans_block.q1.bias": Tensor([0])}))
    ['refine.1.query.bias']

    Args:
        state: By the authors' names.

    Raises:
        BadInput: A name that is none of their encoder's.
    """
    return {_renamed(name): value for name, value in state.items()}


def _renamed(name: str) -> str:
    if name == "learnable_tokens.0":
        return "token"
    if match := _BLOCK.fullmatch(name):
        stage, rest = match.groups()
        for part, table in (("enter", _ENTRANCE), ("refine", _REFINEMENT)):
            for theirs, ours in table.items():
                if rest.startswith(theirs):
                    return f"{part}.{stage}.{ours}{rest.removeprefix(theirs)}"
    raise BadInput(f"{name!r} is no weight of the released encoder", "give the encoder's weights alone")
