"""Bodies at the door: JSON arrays, NDJSON, gzip, and what is none of these."""

import gzip
import json

import pytest

from annotation import rows


def decode(body: bytes, content_type: str = "application/json", encoding: str = "", **limits: int) -> list[object]:
    given = {"most_bytes": 1_000_000, "most_rows": 100, **limits}
    return rows.decode(body, content_type=content_type, encoding=encoding, **given)


def test_reads_an_array() -> None:
    assert decode(b'[{"a": 1}]') == [{"a": 1}]


def test_reads_ndjson_and_passes_over_empty_lines() -> None:
    assert decode(b'{"a": 1}\n\n{"a": 2}\n', "application/x-ndjson; charset=utf-8") == [{"a": 1}, {"a": 2}]


def test_reads_gzip() -> None:
    assert decode(gzip.compress(b"[1, 2]", mtime=0), encoding="gzip") == [1, 2]


def test_lets_nan_through_so_that_its_row_is_refused_by_name() -> None:
    [row] = decode(json.dumps([{"score": float("nan")}]).encode())
    assert row["score"] != row["score"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("body", "changes", "status", "sentence"),
    [
        (b"", {}, 400, "The body is not JSON"),
        (b"{", {}, 400, "The body is not JSON"),
        (b'{"a": 1}', {}, 400, "The body is not a JSON array of rows."),
        (b"\xff\xfe", {}, 400, "The body is not JSON"),
        (b'[{"a": NaN]', {}, 400, "The body is not JSON"),
        (b"[" * 100_000, {}, 400, "The body is"),
        (b"[" * 200 + b"]" * 200, {}, 400, "nested"),
        (b"{}\nnope", {"content_type": "application/x-ndjson"}, 400, "Line 2 is not JSON"),
        (b"[1,2,3]", {"most_rows": 2}, 413, "The batch has 3 rows; at most 2 are taken at once."),
        (b"plain", {"encoding": "gzip"}, 400, "The body is not whole gzip."),
        (gzip.compress(b"[1]", mtime=0)[:-4], {"encoding": "gzip"}, 400, "The body is not whole gzip."),
        (b"[]", {"encoding": "br"}, 415, "Content-Encoding 'br' is not known"),
        (gzip.compress(b" " * 2_000_000, mtime=0), {"encoding": "gzip"}, 413, "more than 0 MiB unpacked"),
    ],
)
def test_refuses_what_is_no_batch(body: bytes, changes: dict[str, object], status: int, sentence: str) -> None:
    with pytest.raises(rows.BadBody, match=sentence.replace("(", r"\(")) as refused:
        decode(body, **changes)  # type: ignore[arg-type]
    assert refused.value.status == status
