"""Cost that follows from the model alone: parameters and FLOPs.

FLOPs are twice the multiply-accumulates of matrix products, convolutions and attention, counted by torch as
they run. Element-wise operations, normalisation, pooling, gathers, sorting, interpolation and FFTs are not
counted; beside the products they are small in FLOPs, though not always in time, which ``speed`` measures.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from saccade.core.bags import Bags
from saccade.imaging.opening import some_of
from saccade.imaging.rasters import Rasters


def count_parameters(model: nn.Module) -> int:
    """Count the numbers a model holds as parameters, frozen ones too, shared ones once; buffers are none."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_flops(model: nn.Module, images: Shaped[Tensor, "batch ..."] | Rasters | Bags) -> int:
    """Count the FLOPs of classifying one image: twice its multiply-accumulates.

    The model is run once, in evaluation mode and without gradients, on the first of the images.

    Args:
        model: Any module that takes a batch of images.
        images: At least one image; only its size matters, unless the model's cost depends on what it sees.
    """
    if len(images) == 0:
        raise ValueError("counting FLOPs needs an image")
    counter = FlopCounterMode(display=False, custom_mapping=_FORMULAS)
    # Under inference mode composite operations reach the counter whole, and it would miss them.
    with torch.inference_mode(False), torch.no_grad(), evaluating(model), _frozen(model), _unfused(), counter:
        model(images[0] if isinstance(images, Bags) else some_of(images, 0, 1))
    return int(counter.get_total_flops())


@contextmanager
def evaluating(*models: object) -> Iterator[None]:
    """Put modules into evaluation mode for a while; each part gets its own mode back, others pass through."""
    parts = [part for model in models if isinstance(model, nn.Module) for part in model.modules()]
    modes = [part.training for part in parts]
    try:
        for part in parts:
            part.training = False
        yield
    finally:
        for part, mode in zip(parts, modes, strict=True):
            part.training = mode


@contextmanager
def _frozen(model: nn.Module) -> Iterator[None]:
    """Stop parameters from asking for gradients: torch's counter stumbles over those handed to a part as input."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        for parameter in trained:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


@contextmanager
def _unfused() -> Iterator[None]:
    """Run torch's transformer layers step by step: fused, they are one operation that nobody counts."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


# Formulas get the shapes of an operation's tensors in place of the tensors.


def _matrix_vector(matrix: tuple[int, ...], vector: tuple[int, ...], **_: Any) -> int:
    return 2 * prod(matrix)


def _add_matrix_vector(start: tuple[int, ...], matrix: tuple[int, ...], *_: Any, **__: Any) -> int:
    return 2 * prod(matrix)


def _inner(left: tuple[int, ...], right: tuple[int, ...], **_: Any) -> int:
    return 2 * prod(left)


def _add_products(start: tuple[int, ...], left: tuple[int, ...], right: tuple[int, ...], **_: Any) -> int:
    """(batch, rows, inner) by (batch, inner, columns), or one pair of matrices without a batch."""
    return 2 * prod(left) * right[-1]


def _attention(query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...], *_: Any, **__: Any) -> int:
    """Queries (batch, head, query, width) by keys, then scores by values."""
    return 2 * prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _recurrent(images: tuple[int, ...], inward: tuple[int, ...], onward: tuple[int, ...], *_: Any, **__: Any) -> int:
    """(step, batch, width) through both weight matrices of one layer, in one direction."""
    return 2 * prod(images[:-1]) * (prod(inward) + prod(onward))


_FORMULAS: dict[Any, Callable[..., int]] = {  # what torch's counter leaves out
    torch.ops.aten.mv: _matrix_vector,
    torch.ops.aten.addmv: _add_matrix_vector,
    torch.ops.aten.dot: _inner,
    torch.ops.aten.vdot: _inner,
    torch.ops.aten.addbmm: _add_products,
    torch.ops.aten._addmm_activation: _add_products,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten._scaled_dot_product_fused_attention_overrideable: _attention,
    torch.ops.aten.mkldnn_rnn_layer: _recurrent,
}
