"""Two private font sets for Chromium: one as wide as Verdana, one as narrow as Arial Narrow.

The fonts come from pinned wheels, so that layouts are measured with the same fonts on every machine: DejaVu Sans as
matplotlib ships it, and the same font condensed by fontTools.
"""

from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont
from matplotlib import get_data_path

CONDENSED = 0.72  # of DejaVu Sans, which is what Arial Narrow and Liberation Sans Narrow are
FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf")
# Hinting, kerning and ligatures describe the full width.
OF_THE_FULL_WIDTH = ("fpgm", "prep", "cvt ", "GPOS", "GSUB", "GDEF", "kern", "hdmx", "VDMX", "LTSH")
CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}</dir>
  <cachedir>{folder}/cache</cachedir>
  <alias binding="same"><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
  <alias binding="same"><family>system-ui</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias binding="same"><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
</fontconfig>
"""


def font_configuration(folder: Path, font: str) -> Path:
    """Write the "wide" or "narrow" fonts and a fontconfig file that knows no others; return that file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FACES:
        source = Path(get_data_path(), "fonts", "ttf", name)
        if font == "narrow" and "Mono" not in name:
            condense(TTFont(source), CONDENSED).save(folder / name)
        else:
            (folder / name).write_bytes(source.read_bytes())
    written = folder / "fonts.conf"
    written.write_text(CONFIGURATION.format(folder=folder))
    return written


def condense(font: TTFont, share: float) -> TTFont:
    """Scale every glyph and advance of a TrueType font sideways."""
    outlines: Any = font["glyf"]
    for name in font.getGlyphOrder():
        glyph = outlines[name]
        if glyph.isComposite():
            for part in glyph.components:
                part.x = round(part.x * share)
        elif glyph.numberOfContours:
            glyph.coordinates.scale((share, 1))
            glyph.coordinates.toInt()
        glyph.removeHinting()
        glyph.recalcBounds(outlines)
    advances: Any = font["hmtx"]
    advances.metrics = {
        name: (round(width * share), round(side * share)) for name, (width, side) in advances.metrics.items()
    }
    for table in OF_THE_FULL_WIDTH:
        if table in font:
            del font[table]
    return font


def text_width(font_file: Path, text: str, size: float) -> float:
    """The width of a text in pixels by the font's own advances."""
    font: Any = TTFont(font_file)
    names = font.getBestCmap()
    return float(sum(font["hmtx"][names[ord(letter)]][0] for letter in text) * size / font["head"].unitsPerEm)
