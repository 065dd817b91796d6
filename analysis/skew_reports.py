"""Compare a file of features with the project's items, and store what differs."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import IO

import msgspec

from analysis.feature_files import load_features
from analysis.feature_skew import KIND, SkewBody, compare_with_items
from analysis.reports.registry import Computation
from analysis.reports.stored import store_if_changed
from annotation.exchange.rows import UnusableFile
from projects.models import Project


@dataclass(frozen=True)
class FeatureColumns:
    """Where the file has its keys and times, and which input or segment has the keys; "" for the usual ones."""

    key: str = ""
    time: str = ""
    entity: str = ""


def compare_file(
    project: Project, stream: IO[bytes], format_name: str, *, file: str, columns: FeatureColumns, at: datetime
) -> SkewBody:
    """Read the file, compare it, and store the report that the page shows. Raises UnusableFile."""
    body = compute_body(project, stream, format_name, file=file, columns=columns)
    store_body(project, body, at=at)
    return body


def compute_body(
    project: Project, stream: IO[bytes], format_name: str, *, file: str, columns: FeatureColumns
) -> SkewBody:
    """Read the file and compare it; nothing is stored. Raises UnusableFile."""
    entity = columns.entity
    known = [*project.contract().inputs, *project.contract().segments]
    if entity and entity not in known and project.contract().segments:
        raise UnusableFile(f"entity is {entity!r}; it takes {', '.join(known)}.")
    rows = load_features(project, stream, format_name, key=columns.key, time=columns.time)
    if not rows.names:
        why = f" {rows.refused[0]}" if rows.refused else ""
        raise UnusableFile(f"No row has an input that can be compared.{why}")
    return compare_with_items(project, rows, file=file, entity=entity)


def store_body(project: Project, body: SkewBody, *, at: datetime) -> None:
    """Store the report that the page shows, unless it is the newest one already."""
    digest = hashlib.sha256(msgspec.json.encode(body)).hexdigest()
    store_if_changed(project, KIND, Computation(digest, lambda: body), version="", days=0, at=at)
