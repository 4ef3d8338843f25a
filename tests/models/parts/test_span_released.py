"""Names of the authors' weights become ours, one for one."""

from pathlib import Path

import numpy as np
import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.models import create_model
from saccade.models.parts.span_encoder import SpanEncoder
from saccade.models.parts.span_pyramid import span_pyramid
from saccade.models.parts.span_released import state_from_released

CASES = (
    "one_cell",
    "under_a_window",
    "six_by_six",
    "padded_multiple_of_6",
    "ragged_13x9",
    "sparse_25x31",
    "dense_16x16",
)


@pytest.fixture(scope="module")
def released(real_data: Path) -> dict[str, torch.Tensor]:
    """What the authors' code returned for random weights, and the weights."""
    path = real_data / "span_reference" / "released_outputs.npz"
    if not path.is_file():
        pytest.skip(f"no outputs of the released code at {path}")
    with np.load(path) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


@pytest.fixture(scope="module")
def encoder(released: dict[str, torch.Tensor]) -> SpanEncoder:
    theirs = {name.removeprefix("weights/"): value for name, value in released.items() if name.startswith("weights/")}
    made = SpanEncoder(in_features=128, width=64, heads=1).eval()
    made.load_state_dict(state_from_released(theirs))
    return made


@pytest.mark.real_data
@pytest.mark.parametrize("case", CASES)
def test_every_stage_is_what_the_released_code_returns(
    case: str, released: dict[str, torch.Tensor], encoder: SpanEncoder
) -> None:
    cells = released[f"{case}/cells"].flip(1)  # theirs are row and column
    pyramid = span_pyramid(cells, (len(cells),), "released")
    with torch.no_grad():
        found = encoder(released[f"{case}/features"], pyramid)
    for number, (stage, refined) in enumerate(zip(pyramid.stages, found, strict=True)):
        theirs = {part: released[f"{case}/stage{number}/{part}"] for part in ("cells", "local", "global")}
        raster = stage.grid.keys.argsort()
        assert stage.grid.cells[raster].flip(1).equal(theirs["cells"])
        assert refined.cells is not None
        assert torch.allclose(refined.cells[raster], theirs["local"], atol=1e-4, rtol=0)
        assert torch.allclose(refined.token, theirs["global"], atol=1e-4, rtol=0)


@pytest.mark.real_data
@pytest.mark.parametrize("case", CASES)
def test_the_classifier_takes_their_weights(case: str, released: dict[str, torch.Tensor], encoder: SpanEncoder) -> None:
    model = create_model("span", ("a", "b"), in_features=128, compatibility="released").eval()
    model.aggregate.load_state_dict(encoder.state_dict())
    cells = released[f"{case}/cells"].flip(1)
    prediction = model(Bags(released[f"{case}/features"], cells, (len(cells),)))
    tokens = torch.stack([released[f"{case}/stage{number}/global"] for number in range(3)], dim=1)
    assert torch.allclose(prediction.logits, model.classify(tokens), atol=1e-4, rtol=0)
    assert prediction.sites.weights.sum().item() == pytest.approx(1, abs=1e-5)


@pytest.mark.real_data
def test_the_correct_geometry_differs_from_the_released_one(
    released: dict[str, torch.Tensor], encoder: SpanEncoder
) -> None:
    cells, features = released["six_by_six/cells"].flip(1), released["six_by_six/features"]
    with torch.no_grad():
        ours = encoder(features, span_pyramid(cells, (36,)))
    assert not torch.allclose(ours[-1].token, released["six_by_six/stage2/global"], atol=1e-2)


def test_every_name_of_theirs_has_one_of_ours() -> None:
    blocks, conv, trans = "blocks.{}.modules_dict.", "convs_0.0.", "trans_2.0.trans_block."
    names = ["learnable_tokens.0", blocks.format(0) + conv + "conv_block.linear.0.weight"]
    names += [blocks.format(0) + conv + f"identity_proj.{kind}" for kind in ("weight", "bias")]
    for stage in range(3):
        start = blocks.format(stage)
        names.append(start + trans + "table_RPB.adjustment_tables")
        parts = ["q1", "k1", "v1", "q2", "k2", "v2", "fc_out", "ffn.0", "ffn.3", "norm1", "norm2"]
        names += [start + trans + f"{part}.{kind}" for part in parts for kind in ("weight", "bias")]
        if stage:
            norms = ["global_input_norm", "conv_block.input_norm"]
            names += [start + conv + f"{part}.{kind}" for part in norms for kind in ("weight", "bias")]
            names.append(start + conv + "conv_block.dwconv.weight")
    renamed = state_from_released(dict.fromkeys(names, torch.zeros(1)))
    assert sorted(renamed) == sorted(SpanEncoder(8, 4, 1).state_dict())


@pytest.mark.parametrize("name", ["classifier.weight", "blocks.0.modules_dict.convs_0.0.other.weight"])
def test_a_name_that_is_none_of_theirs_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="released encoder"):
        state_from_released({name: torch.zeros(1)})
