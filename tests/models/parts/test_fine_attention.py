"""Fine attention against a literal transformer in which every token is projected and every row computed."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.models.parts import fine_attention
from saccade.models.parts.fine_attention import ClsLayer, ClsRounds, FullAttention, TokenLayer, site_weights
from saccade.ops.cls_attention import biased, cls_attention_plain


@pytest.mark.parametrize("part", [ClsRounds, FullAttention])
def test_folded_equals_unfolded(part: type, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    attention, tokens = part(16, 4, 3).double(), torch.randn(3, 11, 16, dtype=torch.float64)
    bias = torch.randn(3, 11, dtype=torch.float64)
    folded = attention(tokens, bias)
    monkeypatch.setattr(fine_attention, "cls_attention", cls_attention_plain)
    plain = attention(tokens, bias)
    assert torch.allclose(folded.summary, plain.summary, atol=1e-12)
    assert torch.allclose(folded.weights, plain.weights, atol=1e-12)


def test_the_last_layer_of_cls_only_is_the_cls_row_of_a_full_layer() -> None:
    """A full layer with the same weights, all rows computed by torch's own attention; CLS is its last token."""
    torch.manual_seed(0)
    attention = FullAttention(8, 2, 2).double()
    tokens = torch.randn(2, 5, 8, dtype=torch.float64)
    words = torch.cat([attention.enter(tokens), attention.cls.expand(2, -1, -1)], dim=1)
    words, _ = attention.layers[0](words)

    last = attention.last
    both = torch.cat([attention.norm(words[:, :-1]), last.norm(words[:, -1:])], dim=1)

    def heads(linear: torch.nn.Linear) -> Tensor:
        return linear(both).unflatten(-1, (2, 4)).transpose(1, 2)

    mixed = F.scaled_dot_product_attention(heads(last.query), heads(last.key), heads(last.value))
    rows = words + last.out(mixed.transpose(1, 2).flatten(2))
    rows = rows + last.feed_forward(rows)
    assert torch.allclose(attention(tokens).summary, rows[:, -1], atol=1e-12)


def test_a_token_layer_is_torchs_pre_norm_layer() -> None:
    torch.manual_seed(0)
    ours = TokenLayer(8, 2).double()
    theirs = torch.nn.TransformerEncoderLayer(8, 2, 16, 0.0, "relu", batch_first=True, norm_first=True).double()
    theirs.self_attn.in_proj_weight.data = ours.query_key_value.weight.data
    theirs.self_attn.in_proj_bias.data = ours.query_key_value.bias.data
    theirs.self_attn.out_proj.load_state_dict(ours.out.state_dict())
    theirs.norm1.load_state_dict(ours.norm.state_dict())
    theirs.norm2.load_state_dict(ours.feed_forward[0].state_dict())
    theirs.linear1.load_state_dict(ours.feed_forward[1].state_dict())
    theirs.linear2.load_state_dict(ours.feed_forward[3].state_dict())
    tokens = torch.randn(2, 7, 8, dtype=torch.float64)
    mixed, row = ours(tokens)
    assert torch.allclose(mixed, theirs(tokens), atol=1e-12)
    normal = theirs.norm1(tokens)
    weights = theirs.self_attn(normal, normal, normal, average_attn_weights=False)[1]
    assert torch.allclose(row.softmax(-1), weights[:, :, -1], atol=1e-12)


def test_a_bias_is_added_to_the_scores_that_cls_gives_the_sites() -> None:
    torch.manual_seed(0)
    layer, tokens, bias = TokenLayer(8, 2).double(), torch.randn(2, 7, 8).double(), torch.randn(2, 6).double()
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True).double()
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = layer.query_key_value.weight, layer.query_key_value.bias
    theirs.out_proj.load_state_dict(layer.out.state_dict())
    added = torch.zeros(2, 7, 7, dtype=torch.float64)
    added[:, -1, :-1] = bias
    normal = layer.norm(tokens)
    told, weights = theirs(normal, normal, normal, attn_mask=added.repeat_interleave(2, 0), average_attn_weights=False)
    mixed, row = layer(tokens, bias)
    told = tokens + told
    assert torch.allclose(mixed, told + layer.feed_forward(told), atol=1e-12)
    assert torch.allclose(biased(row, bias).softmax(-1), weights[:, :, -1], atol=1e-12)


@pytest.mark.parametrize("part", [ClsRounds, FullAttention])
def test_a_bias_of_nothing_changes_nothing_and_a_large_one_takes_all_the_weight(part: type) -> None:
    torch.manual_seed(0)
    attention, tokens = part(8, 2, 2).eval(), torch.randn(2, 5, 8)
    assert torch.allclose(attention(tokens, torch.zeros(2, 5)).summary, attention(tokens).summary, atol=1e-6)
    bias = torch.zeros(2, 5)
    bias[:, 3] = 50.0
    assert attention(tokens, bias).weights[:, 3].tolist() == pytest.approx([1.0, 1.0])


def test_content_is_what_the_first_layer_weighs_without_the_bias() -> None:
    torch.manual_seed(0)
    attention, tokens = FullAttention(8, 2, 2).eval(), torch.randn(2, 5, 8)
    plain, leaning = attention(tokens), attention(tokens, torch.randn(2, 5))
    assert leaning.content.equal(plain.content) and plain.content.equal(plain.weights)
    assert not torch.allclose(leaning.weights, plain.weights)


def test_site_weights_leave_cls_out() -> None:
    weights = torch.tensor([[[0.2, 0.3, 0.5], [0.4, 0.1, 0.5]]])
    assert torch.allclose(site_weights(weights.log()), torch.tensor([[0.6, 0.4]]))


def test_one_site_takes_all_the_weight() -> None:
    assert ClsRounds(8, 2, 2)(torch.randn(1, 1, 8)).weights.tolist() == [[1.0]]


def test_a_cls_layer_with_silent_output_passes_cls_through() -> None:
    layer = ClsLayer(8, 2)
    for linear in (layer.out, layer.feed_forward[3]):
        torch.nn.init.zeros_(linear.weight)
        torch.nn.init.zeros_(linear.bias)
    cls = torch.randn(2, 8)
    assert layer(cls, torch.randn(2, 5, 8))[0].equal(cls)


@pytest.mark.parametrize("part", [ClsRounds, FullAttention])
def test_dropout_acts_in_training_alone(part: type) -> None:
    torch.manual_seed(0)
    attention, tokens = part(8, 2, 2, dropout=0.5), torch.randn(1, 5, 8)
    assert not attention(tokens).summary.equal(attention(tokens).summary)
    attention.eval()
    assert attention(tokens).summary.equal(attention(tokens).summary)
    assert sum(isinstance(each, torch.nn.Dropout) and each.p == 0.5 for each in attention.modules()) == 4


def test_the_row_that_weighs_sites() -> None:
    torch.manual_seed(0)
    attention, tokens = FullAttention(8, 2, 3).eval(), torch.randn(2, 5, 8)
    rows = {}
    for attention.row in ("first", "last", "mean"):
        rows[attention.row] = attention(tokens).weights
        assert torch.allclose(rows[attention.row].sum(1), torch.ones(2))
    words = torch.cat([attention.enter(tokens), attention.cls.expand(2, -1, -1)], dim=1)
    seen = []
    for layer in attention.layers:
        words, row = layer(words)
        seen.append(site_weights(row))
    seen.append(site_weights(attention.last(words[:, -1], attention.norm(words[:, :-1]))[1]))
    assert rows["first"].equal(seen[0]) and rows["last"].equal(seen[-1])
    assert torch.allclose(rows["mean"], sum(seen) / 3)
