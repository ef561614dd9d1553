"""Colours of the pictures: as drawn on white paper, and by name where the page chooses light or dark."""

from __future__ import annotations

from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "ink": "#1b2330",
    "soft": "#5c6675",
    "grid": "#dde2e9",
    "paper": "#fefefe",
    "series-0": "#1f63d0",
    "series-1": "#c2500c",
    "series-2": "#17795a",
    "series-3": "#8540e6",
    "series-4": "#b3236b",
    "series-5": "#7c5d1a",
    "series-6": "#0e7388",
    "prepare": "#b4bfcd",
    "read": "#2f9d90",
    "write": "#d8a31c",
    "finish": "#8a6cb4",
}
DARK: Mapping[str, str] = {
    "ink": "#e7eaf0",
    "soft": "#9ba6b6",
    "grid": "#343d4b",
    "paper": "#1a212c",
    "series-0": "#6fa8ff",
    "series-1": "#ff9a56",
    "series-2": "#4fc9a2",
    "series-3": "#b995ff",
    "series-4": "#ff80b5",
    "series-5": "#dbb960",
    "series-6": "#50cfe2",
    "prepare": "#5d6878",
    "read": "#3cb8a9",
    "write": "#e9bb45",
    "finish": "#a88ad0",
}
SERIES = tuple(colour for name, colour in LIGHT.items() if name.startswith("series"))


def by_name(svg: str) -> str:
    """Return a picture whose colours are CSS variables."""
    for name, colour in LIGHT.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg


def css(colours: Mapping[str, str]) -> str:
    """Return colours as CSS declarations."""
    return "; ".join(f"--{name}: {colour}" for name, colour in colours.items())
