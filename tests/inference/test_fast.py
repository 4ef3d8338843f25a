"""The fast form gives the plain form's answers, whatever the chunk."""

import ctypes
import os
import platform
import subprocess
import sys

import pytest
import torch
from torch import nn

from saccade.inference.fast import FastModel
from saccade.models import MODELS, create_model, options_of


def trained_looking(name: str) -> nn.Module:
    """A model whose batch norms have statistics worth folding."""
    torch.manual_seed(0)
    wanted = {"size": 16, "budget": 40}
    model = create_model(name, ("a", "b", "c"), **{k: v for k, v in wanted.items() if k in options_of(name)})
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor in (part.running_mean, part.running_var, part.weight, part.bias):
                tensor.data.uniform_(0.5, 1.5)
    return model.eval()


@pytest.mark.parametrize("name", MODELS.names("cell"))
@pytest.mark.parametrize("chunk", [3, 100])
def test_the_fast_form_equals_the_plain_one(name: str, chunk: int) -> None:
    model, images = trained_looking(name), torch.randn(7, 3, 16, 16)
    fast, plain = FastModel(model, chunk)(images), model(images)
    assert torch.allclose(fast.logits, plain.logits, atol=1e-4)
    assert fast.cost.pixels_read.equal(plain.cost.pixels_read)
    assert fast.sites.weights.sum(1).tolist() == pytest.approx([1.0] * 7, abs=1e-4)


@pytest.mark.parametrize("name", ["tiny-cnn", "resnet18", "efficientnet-b0"])
def test_no_peer_is_slowed_by_batch_norms_that_could_be_folded(name: str) -> None:
    """The model it was made from is left alone."""
    model = trained_looking(name)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    fast = FastModel(model)
    assert all(v.equal(before[k]) for k, v in model.state_dict().items())
    assert any(isinstance(part, nn.BatchNorm2d) for part in model.modules())
    assert not any(isinstance(part, nn.BatchNorm2d) for part in fast.model.modules())


@torch.inference_mode()
def test_it_can_be_made_and_used_in_inference_mode() -> None:
    model, images = trained_looking("sparse-attn-net"), torch.randn(2, 3, 16, 16)
    assert torch.allclose(FastModel(model)(images).logits, model(images).logits, atol=1e-4)


def test_a_stream_computes_in_inference_mode_and_leaves_its_caller_outside() -> None:
    stream = FastModel(trained_looking("tiny-cnn"), chunk=1).stream(torch.randn(2, 3, 16, 16))
    assert next(stream).logits.is_inference() and not torch.is_inference_mode_enabled()


MAPPED = """
import ctypes, sys, torch
from saccade.inference.fast import keep_pages

class Facts(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd usmblks".split() + list("abcd")]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Facts
if sys.argv[1] == "keep":
    keep_pages()
before = libc.mallinfo2().hblks
held = torch.empty(16_000_000, dtype=torch.uint8)
print(libc.mallinfo2().hblks - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc learns from what is freed")
def test_images_come_from_memory_that_is_kept() -> None:
    """A block of sixteen megabytes is a part of the heap, and not mapped by itself, to be unmapped once it is freed."""
    if not hasattr(ctypes.CDLL(None), "mallinfo2"):
        pytest.skip("this glibc, older than 2.33, does not tell what is mapped (mallinfo2)")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    found = [
        subprocess.run(
            [sys.executable, "-c", MAPPED, each], env=own, capture_output=True, text=True, check=True
        ).stdout.strip()
        for each in ("keep", "leave")
    ]
    assert found == ["0", "1"]
