"""A figure as text that a page takes in."""

from __future__ import annotations

import io
import re

from matplotlib.figure import Figure


def as_svg(figure: Figure, said: str) -> str:
    """Return a figure as SVG without XML's head and matplotlib's metadata; `said` tells it to who does not see it."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None}, facecolor=figure.get_facecolor())
    text = out.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return text.replace("<svg ", f'<svg role="img" aria-label="{said}" ', 1)
