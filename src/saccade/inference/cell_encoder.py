"""A trained model of cells as a patch encoder: what its last layer is told before it decides."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput
from saccade.features.encoders.encoder import encoder_facts, folder_safe
from saccade.features.encoders.networks import NetworkEncoder, features_per_patch, frozen, normalisation_facts
from saccade.features.slide_input import SlideInput
from saccade.imaging.preprocessing import Preprocessing
from saccade.inference.hub import find_model
from saccade.models.packaging import load_model


def cell_encoder(run: Path | str, device: str = "cpu") -> NetworkEncoder:
    """The encoder ``saccade:RUN``; patches are brought to the model's size as its training images were.

    Args:
        run: Folder of a run or of a saved model, or ``owner/name`` on the hub.
        device: Where to compute.

    Raises:
        BadInput: There is no such model, it is not one of 8-bit colour cells, or it has no last linear layer.
    """
    folder = find_model(run)
    package = load_model(folder)
    preprocessing = _usable(package.preprocessing, str(run))
    assert isinstance(package.model, SparseClassifier)  # those of another task are of slides, and were refused
    size = preprocessing.size or 0
    network = frozen(_Penultimate(package.model, str(run)), device)
    dim = features_per_patch(network, size, device)
    label = folder_safe(f"saccade-{Path(run).resolve().name if Path(run).exists() else run}")
    facts = encoder_facts(
        label,
        version=str(package.config["saccade_version"]),
        dim=dim,
        source=f"saccade: {package.config['model']} of {Path(run).name}",
        input_size=size,
        normalisation={**normalisation_facts(preprocessing), "mpp": preprocessing.mpp},
        licence="the run's own",
        weights_sha256=package.config["weights_sha256"],
    )
    return NetworkEncoder(network, preprocessing, label, dim, facts, torch.device(device))


class _Penultimate(nn.Module):
    """A classifier up to the input of its last linear layer, which is caught on its way in."""

    def __init__(self, model: SparseClassifier, source: str) -> None:
        super().__init__()
        self.model, self.source = model, source
        self._last = [_last_linear(model, source)]  # in a list, so that it is not a part twice

    def forward(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch feature"]:
        caught: list[Tensor] = []
        hook = self._last[0].register_forward_pre_hook(lambda _, given: caught.append(given[0]))
        try:
            self.model(images)
        finally:
            hook.remove()
        if len(caught) != 1 or caught[0].ndim != 2:
            raise BadInput("does not decide by one row of numbers per image", "choose another model", self.source)
        return caught[0]


def _last_linear(model: SparseClassifier, source: str) -> nn.Linear:
    """The layer that gives the logits: in ``classify`` where the model has one, else the last of its width."""
    inside = getattr(model, "classify", model)
    fitting = [part for part in inside.modules() if isinstance(part, nn.Linear)]
    fitting = [part for part in fitting if part.out_features == len(model.classes)]
    if not fitting:
        raise BadInput("has no last linear layer to be cut before", "choose another model", source)
    return fitting[-1]


def _usable(preprocessing: Preprocessing | SlideInput, source: str) -> Preprocessing:
    """The preprocessing, if it can be that of patches."""
    if isinstance(preprocessing, SlideInput) or preprocessing.size is None:
        whole = "slides" if isinstance(preprocessing, SlideInput) else "fields"
        raise BadInput(f"is a model of whole {whole}, not of patches", "give the run of a model of cells", source)
    if preprocessing.channels != 3 or preprocessing.kind != "uint8":
        what = f"{preprocessing.channels} channels of {preprocessing.kind}"
        raise BadInput(f"was trained on {what}, patches have 3 of uint8", "train on 8-bit colour images", source)
    return preprocessing
