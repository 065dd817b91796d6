"""A column of paths to image files, as pictures of one size.

Its own few lines and not the checks of captured images: those know projects and their database, this room does not.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from analysis.files import columns
from analysis.files.tables import BadFile, Table

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp")
MOST_PIXELS = 40_000_000
LARGEST_SIDE = 32  # pixels; larger pictures are averaged down, so that one costs at most 1,024 numbers

Pixels = NDArray[np.uint8]


def are_paths(table: Table, column: str) -> bool:
    """Whether every cell that is not missing ends as the name of an image does."""
    names = columns.words(table, column).names
    return bool(names) and all(name.lower().endswith(ENDINGS) for name in names)


def read(table: Table, column: str, rows: NDArray[np.int64], folder: Path) -> Pixels:
    """The pictures of these rows in grey, (rows, height, width): the median size, at most LARGEST_SIDE a side.

    Paths are relative to `folder` and may not lead out of it; an absolute path is read as given. Raises BadFile that
    names the row for a path that is missing or leads out, and for a file that is no whole image.
    """
    cells = table[column]
    paths = [_path(cells.iloc[row], folder, f"{table.name}, row {row}, column {column!r}") for row in rows.tolist()]
    sizes = []
    for path, where in paths:
        with _opened(path, where) as image:
            sizes.append(image.size)
    width, height = _common(sizes)
    found = np.empty((len(paths), height, width), dtype=np.uint8)
    for at, (path, where) in enumerate(paths):
        with _opened(path, where) as image:
            found[at] = np.asarray(_grey(image).resize((width, height), Image.Resampling.BOX))
    return found


def _path(cell: object, folder: Path, where: str) -> tuple[Path, str]:
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


@contextmanager
def _opened(path: Path, where: str) -> Iterator[Image.Image]:
    """The image in a file, not decoded yet. Raises BadFile for what is none, also where decoding inside fails."""
    try:
        if not path.is_file():  # a pipe would be waited for
            raise BadFile(f"{where} is not a file.")
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise BadFile(
                        f"{where} has {image.width} × {image.height} pixels; at most {MOST_PIXELS:,} are read."
                    )
                yield image
    except PermissionError:
        raise BadFile(f"{where} may not be read: permission denied.") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadFile(f"{where} is no PNG, JPEG, GIF or WebP image that can be read.") from None
    except (OSError, SyntaxError, ValueError) as why:
        if isinstance(why, BadFile):
            raise
        raise BadFile(f"{where} is not a whole image.") from None


def _grey(image: Image.Image) -> Image.Image:
    """0 black to 255 white, of 16 bits the upper 8; what is transparent is white, as on a page."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image, dtype=np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        whole = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole)
    return image.convert("L")


def _common(sizes: list[tuple[int, int]]) -> tuple[int, int]:
    width, height = np.median(np.array(sizes), axis=0)
    shrink = min(1.0, LARGEST_SIDE / max(width, height))
    return max(1, round(width * shrink)), max(1, round(height * shrink))
