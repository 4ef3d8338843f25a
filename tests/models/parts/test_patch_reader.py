"""The feature network: its size, and the short way of training against the plain one."""

import pytest
import torch

from saccade.models.parts.patch_reader import PatchReader


def test_the_published_size() -> None:
    assert sum(each.numel() for each in PatchReader().parameters()) == 7_459
    assert sum(each.numel() for each in PatchReader(width=32).parameters()) == 28_739


def test_features_have_length_one() -> None:
    features = PatchReader(outputs=5)(torch.randn(3, 3, 20, 20))
    assert features.norm(dim=1).tolist() == pytest.approx([1.0] * 3, abs=1e-6)


@pytest.mark.parametrize(("height", "width"), [(12, 15), (9, 9), (3, 20), (1, 1)])
@pytest.mark.parametrize("layers", [1, 2, 4])
def test_the_short_way_has_the_values_and_gradients_of_the_plain_one(height: int, width: int, layers: int) -> None:
    torch.manual_seed(0)
    reader = PatchReader(channels=2, width=6, layers=layers).double()
    patches = torch.randn(7, 2, height, width, dtype=torch.float64)
    wanted = torch.randn(7, 3, dtype=torch.float64)
    found = {}
    for lean in (True, False):
        reader.lean = lean
        features = reader(patches)
        gradients = torch.autograd.grad((features * wanted).sum(), list(reader.parameters()))
        found[lean] = (features, *gradients)
    for short, plain in zip(found[True], found[False], strict=True):
        assert torch.allclose(short, plain, atol=1e-10)


def test_gradients_reach_patches_that_want_them() -> None:
    patches = torch.randn(2, 3, 10, 10, requires_grad=True)
    PatchReader()(patches).sum().backward()
    assert patches.grad is not None and patches.grad.abs().sum() > 0


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    reader, patches = PatchReader(lean=True), torch.randn(5, 3, 11, 11)
    whole = reader(patches)
    monkeypatch.setattr("saccade.models.parts.patch_reader._WINDOWS_AT_ONCE", 32)
    assert torch.allclose(reader(patches), whole, atol=1e-6)


def test_the_short_way_is_taken_where_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, taken = PatchReader(), []
    short = reader._lean_peaks
    monkeypatch.setattr(reader, "_lean_peaks", lambda patches: (taken.append(patches.shape[-1]), short(patches))[1])
    for side in (20, 36, 37, 50):
        reader(torch.randn(1, 3, side, side))
    assert taken == [37, 50]
