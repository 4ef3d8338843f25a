"""The feature network of fields: patches in, a unit vector for each out."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.models.parts.field_look import SLOPE, Init, start_convolution

Patches = Float[Tensor, "patch channel height width"]

_WINDOWS_AT_ONCE = 1280
"""Windows that go through the layers together: 80 patches of 16 channels, whose values stay in the cache."""


class PatchReader(nn.Module):
    """Convolutions, a global maximum per channel, a linear layer, and the length taken away.

    Source: Sinigaglia, report and notebook. 7,459 parameters for RGB, 16 channels and 3 classes.
    Cost per pixel at that size: 7,344 MAC.

    While training, the values are computed without a graph, and only the windows in which the maxima were found go
    through the layers once more with one: nothing else has a gradient. Same gradients, less than half the time.

    Args:
        channels: Channels of the image.
        width: Channels of the convolutions; the authors' checkpoints have 32, their report 16.
        layers: 3×3 convolutions.
        outputs: Numbers in a feature.
        init: ``he`` suits the centred input that training gives it; ``glorot`` as published (our prototype stalled).
        lean: Whether training takes the short way; by default where it is one, with patches of more pixels than the
            windows of their maxima hold (36 × 36 at the published size).
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 16,
        layers: int = 4,
        outputs: int = 3,
        init: Init = "he",
        lean: bool | None = None,
    ) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels if depth == 0 else width, width, 3, padding=1) for depth in range(layers)
        )
        self.out = nn.Linear(width, outputs)
        self.lean = lean
        for convolution in self.convolutions:
            assert isinstance(convolution, nn.Conv2d)
            start_convolution(convolution, init)

    def forward(self, patches: Patches) -> Float[Tensor, "patch output"]:
        """A feature of length one for each patch."""
        lean = torch.is_grad_enabled() and not patches.requires_grad and self._is_short(patches)
        peaks = self._lean_peaks(patches) if lean else F.adaptive_max_pool2d(self.everywhere(patches), 1)[:, :, 0, 0]
        return F.normalize(self.out(peaks), dim=1)

    def _is_short(self, patches: Patches) -> bool:
        """Whether the windows hold fewer pixels than the patches."""
        windows = self.out.in_features * (2 * len(self.convolutions) + 1) ** 2
        return patches.shape[2] * patches.shape[3] > windows if self.lean is None else self.lean

    def everywhere(self, patches: Patches) -> Float[Tensor, "patch feature height width"]:
        """All layers, everywhere."""
        values = patches
        for convolution in self.convolutions:
            values = F.leaky_relu_(convolution(values), SLOPE)
        return values

    def _lean_peaks(self, patches: Patches) -> Float[Tensor, "patch feature"]:
        """The maxima of each channel, with a graph over the windows that made them alone."""
        with torch.no_grad():
            index = self.everywhere(patches).flatten(2).argmax(2)
        columns = patches.shape[3]
        place = torch.stack([index.div(columns, rounding_mode="floor"), index % columns], dim=-1)
        count = max(1, _WINDOWS_AT_ONCE // index.shape[1])
        parts = [
            self.peaks_at(some, where) for some, where in zip(patches.split(count), place.split(count), strict=True)
        ]
        return torch.cat(parts)

    def peaks_at(self, patches: Patches, place: Int[Tensor, "patch feature 2"]) -> Float[Tensor, "patch feature"]:
        """Channel c of the last layer at the place of its maximum, from the window that it depends on.

        A layer without padding shrinks the window by its rim; what lies outside the patch is zero before every layer,
        as the padding of the whole patch would have it.
        """
        reach = len(self.convolutions)
        windows, inside = windows_around(patches, place, reach)
        for depth, convolution in enumerate(self.convolutions):
            assert isinstance(convolution, nn.Conv2d)
            if depth == reach - 1:
                break
            windows = F.leaky_relu(F.conv2d(windows, convolution.weight, convolution.bias), SLOPE)
            rim = depth + 1
            windows = windows * inside[:, :, rim:-rim, rim:-rim]
        last = self.convolutions[-1]
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        windows = windows.unflatten(0, place.shape[:2])  # each channel needs its own row of the last weights
        peaks = torch.einsum("pcirs,cirs->pc", windows, last.weight) + last.bias
        return F.leaky_relu(peaks, SLOPE)


def windows_around(
    patches: Patches, place: Int[Tensor, "patch window 2"], reach: int
) -> tuple[Float[Tensor, "all channel side side"], Float[Tensor, "all 1 side side"]]:
    """Squares of side ``2 · reach + 1`` around places (row, column) of each patch, and which pixels are inside it.

    A place at the edge gets a square that is partly outside, with zeros there.
    """
    count, channels, height, width = patches.shape
    steps = torch.arange(-reach, reach + 1, device=patches.device)
    rows, columns = place[:, :, 0, None] + steps, place[:, :, 1, None] + steps  # (patch, window, side)
    inside = ((rows >= 0) & (rows < height))[..., :, None] & ((columns >= 0) & (columns < width))[..., None, :]
    index = rows.clamp(0, height - 1)[..., :, None] * width + columns.clamp(0, width - 1)[..., None, :]
    flat = patches.flatten(2).gather(2, index.flatten(1)[:, None].expand(-1, channels, -1))
    windows = flat.view(count, channels, place.shape[1], *index.shape[-2:]).transpose(1, 2).flatten(0, 1)
    mask = inside.flatten(0, 1)[:, None].to(patches.dtype)
    return windows * mask, mask
