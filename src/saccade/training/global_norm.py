"""Batch norm over the whole batch when several processes share it, on any device.

torch's own SyncBatchNorm does the same on GPUs only. With it a training on two devices takes the steps of one.
"""

from typing import Any

import torch
import torch.distributed as dist
from lightning.pytorch.plugins import LayerSync
from torch import Tensor, nn


class GlobalBatchNorm(LayerSync):
    """Lightning's hook: swaps the batch norms of a model while it is trained by several processes."""

    def apply(self, model: nn.Module) -> nn.Module:
        """Let every batch norm see the whole batch; parameters and statistics stay the same tensors."""
        return self._swap(model, nn.BatchNorm2d, _GlobalBatchNorm2d)

    def revert(self, model: nn.Module) -> nn.Module:
        """Back to ordinary batch norms."""
        return self._swap(model, _GlobalBatchNorm2d, nn.BatchNorm2d)

    def _swap(self, model: nn.Module, old: type[nn.Module], new: type[nn.Module]) -> nn.Module:
        for module in model.modules():
            if type(module) is old:
                module.__class__ = new
        return model


class _GlobalBatchNorm2d(nn.BatchNorm2d):
    """Mean and variance in two sums over all processes, centred in between to keep their digits."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        values = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        axes = (0, 2, 3)
        count = _summed(values.new_tensor(float(values[:, 0].numel())))
        mean = _summed(values.sum(axes)) / count
        centred = values - mean[:, None, None]
        variance = _summed(centred.square().sum(axes)) / count
        self._remember(mean.detach(), (variance * count / (count - 1)).detach())
        scale = (variance + self.eps).rsqrt()
        if self.affine:
            scale = scale * self.weight
        normalised = centred * scale[:, None, None]
        return (normalised + self.bias[:, None, None] if self.affine else normalised).to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics, as BatchNorm2d does."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        pace = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean.to(self.running_mean), pace)
        self.running_var.lerp_(variance.to(self.running_var), pace)


class _Sum(torch.autograd.Function):
    """The sum over all processes; so is its gradient, for every process's loss depends on it."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        value = value.clone()
        dist.all_reduce(value)
        return value

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        gradient = grad_outputs[0].contiguous().clone()
        dist.all_reduce(gradient)
        return gradient


def _summed(value: Tensor) -> Tensor:
    return _Sum.apply(value)  # type: ignore[return-value]
