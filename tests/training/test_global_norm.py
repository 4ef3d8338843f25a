"""In one process here; test_engine has two."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from saccade.training.global_norm import GlobalBatchNorm


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[None]:
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.BatchNorm2d(5, affine=False)).double()


@pytest.mark.usefixtures("alone")
def test_one_process_alone_is_ordinary_batch_norm() -> None:
    plain, swapped = network(), GlobalBatchNorm().apply(network())
    images = torch.randn(4, 3, 8, 8, dtype=torch.float64) * 3 + 100
    outputs = []
    for model in (plain, swapped):
        for _ in range(3):
            output = model(images)
        output.square().mean().backward()
        outputs.append(output)
    torch.testing.assert_close(*outputs)
    for (name, a), b in zip(plain.named_parameters(), swapped.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, msg=name)
    for (name, a), b in zip(plain.named_buffers(), swapped.buffers(), strict=True):
        torch.testing.assert_close(a, b, msg=name)
    torch.testing.assert_close(plain.eval()(images), swapped.eval()(images))


@pytest.mark.usefixtures("alone")
def test_half_precision_is_summed_in_full() -> None:
    model = GlobalBatchNorm().apply(nn.Sequential(nn.BatchNorm2d(2)))
    images = torch.randn(8, 2, 64, 64).bfloat16() + 50
    output = model(images).detach()
    assert output.dtype == torch.bfloat16
    assert float(output.float().mean().abs()) < 0.01


def test_reverting_leaves_ordinary_layers_with_their_weights() -> None:
    model = network()
    weight = model[1].weight
    sync = GlobalBatchNorm()
    assert [type(layer) for layer in sync.apply(model)][1] is not nn.BatchNorm2d
    assert [type(layer) for layer in sync.revert(model)] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.BatchNorm2d]
    assert model[1].weight is weight
