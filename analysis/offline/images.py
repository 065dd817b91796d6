"""A column of paths to image files, as pictures of one size, each read as captured images are."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.metrics.labels.features import LARGEST_SIDE
from inputs import images
from inputs.files import columns
from inputs.files.table import BadFile, Table
from inputs.images import BadImage, Decoded

ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp")

Pixels = NDArray[np.uint8]


def are_paths(table: Table, column: str) -> bool:
    """Whether every cell that is not missing ends as the name of an image does."""
    names = columns.words(table, column).names
    return bool(names) and all(name.lower().endswith(ENDINGS) for name in names)


def read_images(table: Table, column: str, rows: NDArray[np.int64], folder: Path) -> Pixels:
    """The pictures of these rows in grey, (rows, height, width): the median size, at most LARGEST_SIDE a side.

    Paths are relative to `folder` and may not lead out of it; an absolute path is read as given. Raises BadFile that
    names the row for a path that is missing or leads out, and for a file that is no whole image.
    """
    cells = table[column]
    paths = [
        image_path(cells.iloc[row], folder, f"{table.name}, row {row}, column {column!r}") for row in rows.tolist()
    ]
    decoded = [_decoded(path, where) for path, where in paths]
    size = images.common_size([(picture.height, picture.width) for picture in decoded], largest_side=LARGEST_SIDE)
    return np.stack([images.resized(picture.grey, size).round().astype(np.uint8) for picture in decoded])


def image_path(cell: object, folder: Path, where: str) -> tuple[Path, str]:
    """The path in a cell, and how messages call it. Raises BadFile for none, and one that leads out of `folder`."""
    text = "" if pd.isna(cell) else str(cell).strip()
    if not text or "\0" in text:
        raise BadFile(f"{where} names no image.")
    path = Path(text)
    if path.is_absolute():
        return path, f"{where}: {text}"
    inside = (folder / path).resolve()
    if not inside.is_relative_to(folder.resolve()):
        raise BadFile(f"{where}: {text} leads out of the folder of the table; give such a path whole.")
    return inside, f"{where}: {text}"


def _decoded(path: Path, where: str) -> Decoded:
    try:
        if not path.is_file():  # a pipe would be waited for
            raise BadFile(f"{where} is not a file.")
        return images.decode(path)
    except PermissionError:
        raise BadFile(f"{where} may not be read: permission denied.") from None
    except BadImage as why:
        raise BadFile(f"{where}: {why}.") from None
