"""The tokens as the style sheet defines them, with their contrast, so that the styleguide cannot say otherwise."""

import re
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

PAIR = re.compile(r"--(?P<name>[a-z0-9-]+): light-dark\((?P<light>#[0-9a-f]{6}), (?P<dark>#[0-9a-f]{6})\);")
SURFACES = ("s0", "s1", "s2")
USES = {
    "s0": "page, desk stage, navigation",
    "s1": "panels, bars, inputs",
    "s2": "hover, insets, active filter",
    "ink": "text, numbers",
    "ink-2": "sentences, navigation",
    "ink-3": "units, intervals, heads, ticks",
    "edge": "control borders, axes",
    "line": "hairlines",
    "grid": "chart grid",
    "plumb": "the line, focus, selection",
    "good": "better, passed",
    "warn": "uncertain, late soon",
    "bad": "wrong, broken, failed",
}
TEXT = ("ink", "ink-2", "ink-3", "plumb", "good", "warn", "bad")


@dataclass(frozen=True)
class Token:
    """One colour: its two values and, per theme, the contrast on s0, s1 and s2."""

    name: str
    use: str
    light: str
    dark: str
    on_light: tuple[float, ...]
    on_dark: tuple[float, ...]


@lru_cache(maxsize=1)
def pairs() -> dict[str, tuple[str, str]]:
    """Token name to its light and dark value, read from static/site.css."""
    text = (settings.BASE_DIR / "static" / "site.css").read_text()
    return {found["name"]: (found["light"], found["dark"]) for found in PAIR.finditer(text)}


def tokens() -> list[Token]:
    known = pairs()
    return [
        Token(
            name,
            use,
            light,
            dark,
            tuple(contrast(light, known[surface][0]) for surface in SURFACES),
            tuple(contrast(dark, known[surface][1]) for surface in SURFACES),
        )
        for name, use in USES.items()
        for light, dark in [known[name]]
    ]


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, 0 to 1 (WCAG 2.2)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two colours, 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
