"""Counts of parameters and FLOPs against counts by hand."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from saccade.evaluation.cost import count_flops, count_parameters, evaluating


class Calls(nn.Module):
    """A module around a function."""

    def __init__(self, function: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> object:
        return self.function(images)


def flops(function: Callable[[Tensor], object], *shape: int) -> int:
    return count_flops(Calls(function), torch.rand(1, *shape))


def attention(images: Tensor) -> Tensor:
    keys = images[:, :, :3]
    return functional.scaled_dot_product_attention(images, keys, keys)


@pytest.mark.parametrize(
    ("module", "shape", "expected"),
    [
        (nn.Linear(7, 5), (7,), 2 * 7 * 5),
        (nn.Linear(7, 5), (3, 7), 2 * 3 * 7 * 5),
        (nn.Conv2d(3, 8, 3, padding=1), (3, 6, 6), 2 * 36 * 8 * 3 * 9),
        (nn.Conv2d(8, 16, 3, stride=2, padding=1, groups=2), (8, 6, 6), 2 * 9 * 16 * 4 * 9),
        (nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), (8, 6, 6), 2 * 36 * 8 * 9),
        (nn.ConvTranspose2d(4, 2, 2, stride=2), (4, 5, 5), 2 * 25 * 4 * 2 * 4),
        (nn.LSTM(4, 6, batch_first=True), (5, 4), 2 * 5 * 4 * 6 * (4 + 6)),
    ],
)
def test_layers(module: nn.Module, shape: tuple[int, ...], expected: int) -> None:
    assert count_flops(module, torch.rand(1, *shape)) == expected


@pytest.mark.parametrize(
    ("function", "shape", "expected"),
    [
        (lambda x: torch.einsum("bhid,bhjd->bhij", x, x), (2, 5, 7), 2 * 2 * 5 * 5 * 7),
        (lambda x: torch.einsum("btd,dk->btk", x, torch.rand(7, 3)), (5, 7), 2 * 5 * 7 * 3),
        (lambda x: x @ torch.rand(7), (5, 7), 2 * 5 * 7),
        (lambda x: torch.mv(x[0], torch.rand(7)), (5, 7), 2 * 5 * 7),
        (lambda x: torch.addmv(torch.rand(5), x[0], torch.rand(7)), (5, 7), 2 * 5 * 7),
        (lambda x: torch.dot(x[0], x[0]), (7,), 2 * 7),
        (lambda x: torch.bmm(x, torch.rand(1, 7, 3)), (5, 7), 2 * 5 * 7 * 3),
        (lambda x: torch.baddbmm(torch.rand(1, 5, 3), x, torch.rand(1, 7, 3)), (5, 7), 2 * 5 * 7 * 3),
        (lambda x: torch.addbmm(torch.rand(5, 3), x, torch.rand(1, 7, 3)), (5, 7), 2 * 5 * 7 * 3),
        (attention, (2, 5, 8), 2 * 2 * 5 * 3 * (8 + 8)),
    ],
)
def test_operations(function: Callable[[Tensor], object], shape: tuple[int, ...], expected: int) -> None:
    assert flops(function, *shape) == expected


def test_element_wise_work_is_not_counted() -> None:
    assert flops(lambda x: (x * x).relu().softmax(-1).topk(2).values.sum(), 5, 7) == 0


def test_transformer_layers_are_counted_though_torch_would_fuse_them() -> None:
    tokens, width, hidden = 5, 8, 16
    layer = nn.TransformerEncoderLayer(width, 2, hidden, batch_first=True)
    projections, products = 4 * tokens * width * width, 2 * tokens * tokens * width
    fused = torch.backends.mha.get_fastpath_enabled()
    counted = count_flops(layer, torch.rand(1, tokens, width))
    assert counted == 2 * (projections + products + 2 * tokens * width * hidden)
    assert torch.backends.mha.get_fastpath_enabled() == fused


def test_a_parameter_may_be_handed_to_a_part() -> None:
    class Pooling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query = nn.Parameter(torch.rand(1, 1, 8))
            self.project = nn.Linear(8, 8)

        def forward(self, images: Tensor) -> Tensor:
            return functional.scaled_dot_product_attention(self.project(self.query), images, images)

    model = Pooling()
    assert count_flops(model, torch.rand(1, 5, 8)) == 2 * 8 * 8 + 2 * 5 * (8 + 8)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_flops_are_per_image_and_do_not_depend_on_the_mode() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(64, 2))
    state = {name: value.clone() for name, value in model.state_dict().items()}
    one, many = count_flops(model, torch.rand(1, 3, 6, 6)), count_flops(model, torch.rand(9, 3, 6, 6))
    with torch.inference_mode():
        inferring = count_flops(model, torch.rand(1, 3, 6, 6))
    assert one == many == inferring == 2 * (16 * 4 * 27 + 64 * 2)
    assert all(part.training for part in model.modules())
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())


def test_parameters_are_counted_once_with_the_frozen_and_without_buffers() -> None:
    linear = nn.Linear(7, 5)
    linear.weight.requires_grad_(False)
    assert count_parameters(nn.Sequential(linear, nn.BatchNorm1d(5), linear)) == 7 * 5 + 5 + 2 * 5


def test_each_part_gets_its_own_mode_back() -> None:
    model = nn.Sequential(nn.Dropout(), nn.Dropout())
    model[1].eval()
    with pytest.raises(KeyError), evaluating(model, print):
        assert not any(part.training for part in model.modules())
        raise KeyError
    assert model.training and model[0].training and not model[1].training


def test_no_image_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs an image"):
        count_flops(nn.Linear(2, 2), torch.rand(0, 2))
