"""The JavaScript that a kind's desk loads: what the page names and what those modules import, packed."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings

from annotation import kinds

STATIC = settings.BASE_DIR / "static"
TEMPLATES = settings.BASE_DIR / "templates"
FRAMES = ("parts/head.html", "bare.html", "annotation/desk.html")
IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.{1,2}/[^"']+)["']""")
MOST = {"boxes": 90_000, "spans": 90_000}  # bytes
MOST_OF_OTHERS = 35_000


def modules_of(kind: str) -> set[Path]:
    named = re.findall(
        r"js/[\w/.-]+\.js|vendor/[\w/.-]+\.js", " ".join((TEMPLATES / one).read_text() for one in FRAMES)
    )
    waiting = [STATIC / name for name in (*named, kinds.of(kind).desk_module)]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop().resolve()
        if path in found:
            continue
        found.add(path)
        waiting += [path.parent / name for name in IMPORTED.findall(path.read_text())]
    return found


@pytest.mark.parametrize("kind", [name for name, _ in kinds.titles()])
def test_the_desk_of_a_kind_is_light(kind: str) -> None:
    modules = modules_of(kind)
    names = {path.name for path in modules}
    assert {"desk.js", "shell.js", "buffer.js", Path(kinds.of(kind).desk_module).name} <= names
    assert sum(len(gzip.compress(path.read_bytes())) for path in modules) <= MOST.get(kind, MOST_OF_OTHERS)


def test_what_a_module_imports_counts() -> None:
    assert {"box_canvas.js", "box_table.js", "labels.js"} <= {path.name for path in modules_of("boxes")}
