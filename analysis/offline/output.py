"""Output of `analyse`: JSON that any program reads, and aligned text."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from inputs.files.table import BadFile

JsonObject = dict[str, Any]


def checked_target(out: str, inputs: Sequence[str]) -> None:
    """Refuse, before anything is computed, a place where the answer could not be written."""
    path = Path(out).resolve()
    if path.is_dir() or not path.parent.is_dir():
        raise BadFile(f"{out} cannot be written: {'it is a folder' if path.is_dir() else 'its folder does not exist'}.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise BadFile(f"{out} cannot be written: permission denied.")
    if path in [Path(name).resolve() for name in inputs]:
        raise BadFile(f"{out} is an input; the answer needs a file of its own.")


def encoded(answer: JsonObject) -> str:
    return json.dumps(answer, allow_nan=False)


def write(answer: JsonObject, out: str) -> None:
    """The whole answer or nothing: written beside its place, then moved there."""
    path = Path(out).resolve()
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.exists() and not path.is_file():  # a pipe or a device cannot be replaced
            path.write_text(encoded(answer) + "\n")
            return
        with beside.open("w") as file:
            file.write(encoded(answer) + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as why:
        beside.unlink(missing_ok=True)
        raise BadFile(f"{out} cannot be written: {why.strerror}.") from None


def aligned(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns as wide as their widest cell; numbers to the right."""
    cells = [list(header)] + [[shown(value) for value in row] for row in rows]
    width = [max(len(row[at]) for row in cells) for at in range(len(header))]
    right = [len(cells) > 1 and all(_number_like(row[at]) for row in cells[1:]) for at in range(len(header))]
    return "\n".join(
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, width, right, strict=True)).rstrip()
        for row in cells
    )


def shown(value: Any) -> str:
    if value is None:
        return "undefined"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if value and abs(value) < 0.001 else f"{value:,.3f}"
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else text[:59] + "…"


def spread(found: JsonObject) -> str:
    """An estimate in words: 0.912 (0.880 to 0.938)."""
    if found["value"] is None or found["low"] is None:
        return f"{shown(found['value'])} ({found.get('note') or 'no interval'})"
    return f"{shown(found['value'])} ({shown(found['low'])} to {shown(found['high'])})"


def _number_like(text: str) -> bool:
    return text.replace(",", "").replace(".", "").replace("-", "").replace("e", "").isdigit() or text == "undefined"
