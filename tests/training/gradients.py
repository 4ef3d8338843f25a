"""A callback that other processes can import: it writes the gradients of the first step."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback


class KeepGradients(Callback):
    def __init__(self, path: Path) -> None:
        self.path = path

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        if trainer.is_global_zero and not self.path.exists():
            gradients = {name: parameter.grad for name, parameter in pl_module.named_parameters()}
            buffers = {name: buffer.clone() for name, buffer in pl_module.named_buffers()}
            torch.save(gradients | buffers, self.path)
