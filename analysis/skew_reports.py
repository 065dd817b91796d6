"""Compare a file of features with the project's items, and store what differs."""

import hashlib
from datetime import datetime
from typing import IO

import msgspec

from analysis.feature_files import load_features
from analysis.feature_skew import KIND, SkewBody, compare_with_items
from analysis.reports.registry import Computation
from analysis.reports.stored import store_if_changed
from annotation.exchange.rows import UnusableFile
from projects.models import Project


def compare_file(
    project: Project, stream: IO[bytes], format_name: str, *, file: str, key: str, time: str, entity: str, at: datetime
) -> SkewBody:
    """Read the file, compare it, and store the report that the page shows. Raises UnusableFile."""
    known = [*project.contract().inputs, *project.contract().segments]
    if entity and entity not in known and project.contract().segments:
        raise UnusableFile(f"entity is {entity!r}; it takes {', '.join(known)}.")
    rows = load_features(project, stream, format_name, key=key, time=time)
    if not rows.names:
        why = f" {rows.refused[0]}" if rows.refused else ""
        raise UnusableFile(f"No row has an input that can be compared.{why}")
    body = compare_with_items(project, rows, file=file, entity=entity)
    digest = hashlib.sha256(msgspec.json.encode(body)).hexdigest()
    store_if_changed(project, KIND, Computation(digest, lambda: body), version="", days=0, at=at)
    return body
