"""Calls `analyse` as a person would, on files that a test wrote."""

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
from django.core.management import call_command


def analyse(*words: Any) -> Any:
    """The OUT of a call, through standard output."""
    result = io.StringIO()
    call_command("analyse", *map(str, words), "--json", "-", stdout=result)
    return json.loads(result.getvalue(), parse_constant=_refused)


def text(*words: Any) -> str:
    result = io.StringIO()
    call_command("analyse", *map(str, words), stdout=result)
    return result.getvalue()


def csv(path: Path, columns: dict[str, Any]) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def _refused(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
