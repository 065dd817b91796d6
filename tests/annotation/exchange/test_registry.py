"""A new exchange format is one module: found by its name, read record by record, with keys and refusals as all have."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotation.exchange import registry
from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import ExchangeRow, RefusedRecord, UnusableFile
from tests.annotation.exchange.shapes import TEXTS, parse_bytes, written

PLAIN = '''
"""Plain lines: a text a line."""

from annotation.exchange.base import BadRecord, ExchangeFormat, stable_key
from annotation.exchange.rows import ExchangeRow


class Plain(ExchangeFormat):
    """A text a line."""

    name = "plain"

    def read_records(self, stream, dialect):
        return ({"text": line.decode().strip()} for line in stream)

    def parse_record(self, record, project):
        if not record["text"]:
            raise BadRecord("The line is blank.")
        return ExchangeRow(stable_key(record), record)
'''


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "extra_formats"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "plain.py").write_text(PLAIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.discover("extra_formats")
    yield
    FORMATS.unregister("plain")
    for module in ("extra_formats", "extra_formats.plain"):
        sys.modules.pop(module, None)


def test_a_format_is_one_module(plain: None) -> None:
    first, blank, again = parse_bytes("plain", b"one\n\none\n", TEXTS)
    assert isinstance(first, ExchangeRow) and first.inputs == {"text": "one"}
    assert blank == RefusedRecord(2, "The line is blank.")
    assert isinstance(again, ExchangeRow) and again.key == f"{first.key}-2"


def test_a_format_that_only_reads_says_so(plain: None) -> None:
    with pytest.raises(UnusableFile, match="plain is read only"):
        written("plain", [])
