"""Layout rules of the templates: no line over 120 columns, one element a line. Usage: check_templates.py FILE …"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

WIDTH = 120
# What stands in running text may share a line; every other element opens on a line of its own.
INLINE = frozenset(
    ["a", "abbr", "b", "bdi", "br", "code", "em", "i", "img", "kbd", "mark", "progress", "q", "s", "small", "span"]
    + ["strong", "sub", "sup", "time", "u", "var", "wbr"]
)
DJANGO = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}")
OPENING = re.compile(r"<([a-z][\w-]*)")


def faults(source: str) -> Iterator[tuple[int, str]]:
    """Line number and fault, in the order of the lines."""
    for number, line in enumerate(source.splitlines(), start=1):
        if len(line) > WIDTH:
            yield number, f"{len(line)} columns; at most {WIDTH}"
        opened = [tag for tag in OPENING.findall(DJANGO.sub("", line)) if tag not in INLINE]
        if len(opened) > 1:
            yield number, f"opens {', '.join(opened)}; one element a line"


def main(paths: list[str]) -> int:
    """Print each fault as path:line: fault. Returns the exit status: 1 if there is any."""
    found = [f"{path}:{number}: {fault}" for path in paths for number, fault in faults(Path(path).read_text())]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
