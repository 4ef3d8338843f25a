"""SPAN-UNet against the network written out, one edge and one child at a time."""

import pytest
import torch
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.contract import PatchTargets
from saccade.core.errors import BadInput
from saccade.models import create_segmenter
from saccade.models.parts.patch_loss import patch_losses
from saccade.models.parts.span_pyramid import span_pyramid
from saccade.models.parts.unet_levels import Ascent
from saccade.models.span_unet import SpanUnet
from saccade.ops.condensation import CondensationIndex, condensation_index
from saccade.ops.slide_grid import SlideGrid
from tests.models.parts.test_token_refinement import written_out as layer_written_out
from tests.ops.sparse_grids import SLIDES, grid_of
from tests.ops.test_condensation import literal

FEATURES, WIDTH = 5, 6


def build(classes: tuple[str, ...] = ("normal", "tumour")) -> SpanUnet:
    made = create_segmenter("span-unet", classes, in_features=FEATURES, width=WIDTH, heads=2)
    assert isinstance(made, SpanUnet)
    return made


def bags(name: str) -> Bags:
    slides = SLIDES[name]
    cells = torch.cat(slides)
    return Bags(torch.randn(len(cells), FEATURES, dtype=torch.float64), cells, tuple(map(len, slides)))


def expanded(up: Ascent, cells: Tensor, index: CondensationIndex | None) -> Tensor:
    assert index is not None
    shares = (cells @ up.weight.T).unflatten(1, (-1, 4))
    pairs = zip(index.parent.tolist(), index.slot.tolist(), strict=True)
    return up.norm(torch.stack([shares[parent, :, slot] for parent, slot in pairs]))


def from_raster(cells: Tensor, grid: SlideGrid) -> Tensor:
    """Cells in raster order, in the order of their grid."""
    return cells[grid.keys.argsort().argsort()]


def written_out(model: SpanUnet, given: Bags) -> Tensor:
    encoder, decoder = model.encoder, model.decoder
    pyramid = span_pyramid(given.cells, given.lengths)
    low, middle, high = pyramid.stages
    slides = given.features.split(given.lengths)
    fixed = encoder.summaries.fixed
    tokens = torch.stack([torch.stack([own.max(0).values, own.mean(0), fixed]) for own in slides])
    cells = pyramid.entered(given.features) @ encoder.cells.weight.T
    first = layer_written_out(encoder.refine[0], cells, encoder.tokens(tokens), low)
    down = encoder.descend[0]
    cells = down.norm(from_raster(literal(first[0], down.weight, low.grid, depthwise=False), middle.grid))
    second = layer_written_out(encoder.refine[1], cells, down.tokens(first[1]), middle)
    down = encoder.descend[1]
    cells = down.norm(from_raster(literal(second[0], down.weight, middle.grid, depthwise=False), high.grid))
    third = layer_written_out(encoder.refine[2], cells, down.tokens(second[1]), high)
    up = decoder.ascend[0]
    cells = expanded(up, third[0], high.condensed)
    cells, tokens = layer_written_out(decoder.refine[0], cells, up.tokens(third[1]), middle)
    cells, tokens = torch.cat([cells, second[0]], dim=1), torch.cat([tokens, second[1]], dim=2)
    up = decoder.ascend[1]
    cells, _ = layer_written_out(decoder.finish, expanded(up, cells, middle.condensed), up.tokens(tokens), low)
    return model.classify(torch.cat([cells, first[0]], dim=1)[pyramid.patch])


@pytest.mark.parametrize("slides", ["one", "two", "under a window", "blobs"])
def test_it_is_the_network_written_out(slides: str) -> None:
    model, given = build().double().eval(), bags(slides)
    wanted = written_out(model, given)[:, 0]
    logits = model(given).logits[0]
    assert torch.allclose(logits[:, 1], wanted, atol=1e-9, rtol=0)
    assert logits[:, 0].abs().sum() == 0
    assert torch.allclose(model(given).probabilities[0, :, 1], wanted.sigmoid(), atol=1e-9)


def test_widths_double_and_two_classes_have_one_logit() -> None:
    model = create_segmenter("span-unet", ("normal", "tumour"), in_features=256)
    assert isinstance(model, SpanUnet)
    assert [layer.out.out_features for layer in model.encoder.refine] == [128, 256, 512]
    assert [layer.heads for layer in model.encoder.refine] == [2, 4, 8]
    assert [model.decoder.refine[0].out.out_features, model.decoder.finish.out.out_features] == [256, 128]
    assert (model.classify.in_features, model.classify.out_features) == (256, 1)
    assert build(("a", "b", "c")).classify.out_features == 3


def test_several_slides_at_once_are_each_alone() -> None:
    model, given = build(("a", "b", "c")).double().eval(), bags("several")
    together = model(given)
    for number, length in enumerate(given.lengths):
        alone = model(given[number])
        assert torch.allclose(alone.logits[0], together.logits[number, :length], atol=1e-10)


def test_losses_are_those_of_the_labels() -> None:
    model, given = build(("a", "b", "c")).double().eval(), bags("several")
    targets = PatchTargets(torch.arange(len(given.features)) % 4 - 1)
    losses = model.losses(given, targets)
    logits = losses.prediction.logits[losses.prediction.sites.valid]
    wanted = patch_losses(logits, targets, given.lengths)
    assert {name: float(value.detach()) for name, value in losses.terms.items()} == pytest.approx(
        {name: float(value.detach()) for name, value in wanted.items()}
    )
    with pytest.raises(BadInput, match="2 labels were given"):
        model.losses(given, PatchTargets(torch.tensor([0, 1])))


def test_it_learns_a_label_that_only_neighbours_tell() -> None:
    torch.manual_seed(0)
    cells = torch.cartesian_prod(torch.arange(10), torch.arange(10))
    features = torch.zeros(100, FEATURES)
    features[:, 0] = (cells[:, 0] // 5).float()  # left or right half
    features += 0.01 * torch.randn_like(features)
    given = Bags(features, cells, (100,))
    labels = ((cells[:, 0] == 4) | (cells[:, 0] == 5)).long()  # the border between them
    model = create_segmenter("span-unet", ("inside", "border"), in_features=FEATURES, width=16, heads=2, dropout=0.0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        model.losses(given, PatchTargets(labels)).total.backward()
        optimiser.step()
    said = model.eval()(given).logits[0].argmax(-1)
    assert float((said == labels).double().mean()) > 0.97


def test_a_width_the_heads_cannot_share_is_one_line() -> None:
    with pytest.raises(BadInput, match="heads"):
        create_segmenter("span-unet", ("a", "b"), in_features=FEATURES, width=10, heads=3)


def test_the_grid_of_the_decoder_is_the_stored_one() -> None:
    grid = grid_of(SLIDES["scattered"])
    index = condensation_index(grid)
    model, given = build().double(), bags("scattered")
    levels = model.encoder(given.features, model.preparation()(given).index)
    up = model.decoder.ascend[1]
    cells, _ = up(torch.randn(len(index.grid), 4 * WIDTH).double(), torch.zeros(1, 3, 4 * WIDTH).double(), index)
    assert cells.shape == levels[0][0].shape
