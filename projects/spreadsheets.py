"""CSV that a spreadsheet shows and never runs (OWASP, CSV injection)."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

FORMULA = tuple("=+-@")


def to_csv(header: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> str:
    """Every text quoted, so that a semicolon does not begin a cell where semicolons separate; no text is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(header)
    writer.writerows([guard(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue()


def guard(cell: str) -> str:
    """The cell with an apostrophe before it where a spreadsheet would take it for a formula.

    Spreadsheets skip white space and characters without width before the sign, and know its full-width form.
    """
    seen = unicodedata.normalize("NFKC", cell)
    begins = next((sign for sign in seen if not (sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf"))), "")
    return f"'{cell}" if begins in FORMULA else cell


def escape(cell: str) -> str:
    """The cell guarded so that `unescape` gives it back: apostrophes before a sign get one more."""
    bare = cell.lstrip("'")
    return f"'{cell}" if guard(bare) != bare else cell


def unescape(cell: str) -> str:
    """The cell as it was before `escape`."""
    return cell[1:] if cell.startswith("'") and escape(cell[1:]) == cell else cell
