"""The first records of an uploaded file, and which of its columns are what."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from annotation import uploads
from annotation.exchange.base import BadRecord, unpacked
from annotation.exchange.columns import DECIMAL, SCORES, USUAL, flattened
from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import UnusableFile
from annotation.import_options import ImportOptions
from annotation.importing import options_of_name
from annotation.models import StoredUpload
from validation.json_values import is_storable_text, shorten

FIRST = 8  # records
MOST_COLUMNS = 200
LONGEST_CELL = 80
FLAT_FORMATS = ("csv", "parquet", "jsonl")


@dataclass(frozen=True)
class FilePreview:
    """The first records as texts; `flat`: its columns can be named, `names` are all of them that are texts."""

    names: Sequence[str]
    rows: Sequence[Sequence[str]]
    flat: bool

    def usual(self, part: str) -> str:
        """The column of this part where it has its usual name, else ""."""
        if part == "scores":
            return SCORES if any(name.startswith(SCORES) for name in self.names) else ""
        wanted = [USUAL.get(part, part), *(["id"] if part == "key" else [])]
        return next((name for name in wanted if name in self.names), "")


def preview_file(upload: StoredUpload, format_name: str, options: ImportOptions) -> FilePreview:
    """Raises UnusableFile, UploadGone."""
    made, dialect = FORMATS[format_name], options_of_name(upload.name, options).dialect
    with uploads.opened(upload) as stream:
        found = made.read_records(unpacked(stream), dialect)
        try:
            records = [record for record in islice(found, FIRST) if not isinstance(record, BadRecord)]
        except (EOFError, OSError):
            raise UnusableFile("The file is not whole gzip.") from None
    if not records:
        raise UnusableFile("The file has no rows.")
    flat = format_name in FLAT_FORMATS and not (
        format_name == "jsonl" and all(isinstance(record.get("inputs"), Mapping) for record in records)
    )
    plain = [flattened(record) if flat else dict(record) for record in records]
    found_names = dict.fromkeys(str(name) for record in plain for name in record if name != DECIMAL)
    names = list(filter(is_storable_text, found_names))[:MOST_COLUMNS]  # no form can name another one
    return FilePreview(names, [[_shown(record.get(name)) for name in names] for record in plain], flat)


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    text = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, default=str)
    return shorten(text, LONGEST_CELL)
