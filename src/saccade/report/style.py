"""How every picture looks: one restrained style, and the way into the page.

Figures become SVG inside the page. Their colours are replaced by the page's own CSS variables and their letters
stay letters, so that figures follow the light or the dark theme, print well and can be searched. Series colours are
Okabe and Ito's, told apart by the colour-blind; dashes and markers tell series apart as well.
"""

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from jaxtyping import UInt8
from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#1f2428", "#667085", "#dfe3e8"
BLUE, ORANGE, GREEN, PINK, GREY = "#0072b2", "#d55e00", "#009e73", "#c0649a", "#8a929c"
PAPER = "#fefefe"

_VARIABLES = {
    INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper",
    BLUE: "blue", ORANGE: "orange", GREEN: "green", PINK: "pink", GREY: "grey",
}  # fmt: skip

_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 88, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]

RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib; wider than most, so that labels have room
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.constrained_layout.use": True,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the report's style; nothing is left behind in matplotlib's settings."""
    import matplotlib as mpl

    with mpl.rc_context(RC):
        yield


def figure_html(figure: "Figure", key: str, alt: str) -> Markup:
    """A matplotlib figure as SVG inside the page.

    Args:
        figure: It needs no window and no pyplot.
        key: Short name, different for every figure of a page; leads the names inside the SVG.
        alt: What the figure shows, for those who do not see it.
    """
    import matplotlib as mpl

    text = io.StringIO()
    with mpl.rc_context({**RC, "svg.hashsalt": key}):
        figure.savefig(text, format="svg", facecolor="none", metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style.*?</style>\s*", "", svg, flags=re.DOTALL)  # it would style the whole page
    svg = re.sub(r"\s*<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg, count=2)  # HTML knows these names
    for colour, name in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{name})")
    svg = _own_names(svg, key)
    return Markup(svg.replace("<svg ", Markup('<svg role="img" aria-label="{}" ').format(alt), 1))


def picture_html(picture: UInt8[np.ndarray, "height width 3"], alt: str, kind: str = "") -> Markup:
    """An RGB picture as an image inside the page; ``kind`` is its CSS class."""
    return _image(picture, alt, kind, _data_uri(picture))


def photo_html(picture: UInt8[np.ndarray, "height width 3"], alt: str, kind: str = "") -> Markup:
    """A photograph inside the page, in whichever of WebP and JPEG is smaller at about the same sharpness."""
    swapped = np.ascontiguousarray(picture[..., ::-1])
    webp = cv2.imencode(".webp", swapped, [cv2.IMWRITE_WEBP_QUALITY, 86])[1]
    jpeg = cv2.imencode(".jpg", swapped, _JPEG)[1]
    name, data = min(("webp", webp), ("jpeg", jpeg), key=lambda one: one[1].size)
    return _image(picture, alt, kind, f"data:image/{name};base64,{base64.b64encode(data.tobytes()).decode()}")


def _image(picture: UInt8[np.ndarray, "height width 3"], alt: str, kind: str, source: str) -> Markup:
    return Markup('<img class="{}" alt="{}" width="{}" height="{}" src="{}">').format(
        kind, alt, picture.shape[1], picture.shape[0], source
    )


def _data_uri(picture: UInt8[np.ndarray, "height width 3"]) -> str:
    """PNG where that is small, else a good JPEG: photographs of cells compress badly without loss."""
    swapped = np.ascontiguousarray(picture[..., ::-1])
    kind, data = "png", cv2.imencode(".png", swapped, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
    if data.size > 12_000:
        kind, data = "jpeg", cv2.imencode(".jpg", swapped, _JPEG)[1]
    return f"data:image/{kind};base64,{base64.b64encode(data.tobytes()).decode()}"


def _own_names(svg: str, key: str) -> str:
    """Names that are used get the figure's key before them, the others go: a page must not hold a name twice."""
    used = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r'\sid="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    svg = re.sub(r'\sid="([^"]*)"', lambda found: f' id="{key}-{found[1]}"', svg)
    return re.sub(r'(href="|url\()#', lambda found: f"{found[1]}#{key}-", svg)
