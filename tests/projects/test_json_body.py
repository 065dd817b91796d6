"""Bodies of requests: JSON arrays, NDJSON, gzip, and what is none of these; a bad row is refused alone."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects import json_body
from projects.json_body import BadBody, Unreadable, decode_batch, decode_object, unpack


def rows(body: bytes, content_type: str = "application/json", most_rows: int = 100) -> list[Any]:
    return decode_batch(body, content_type=content_type, most_rows=most_rows)


def test_reads_an_array() -> None:
    assert rows(b'[{"a": 1}]') == [{"a": 1}]


def test_reads_ndjson_and_passes_over_empty_lines() -> None:
    assert rows(b'{"a": 1}\n\n{"a": 2}\n', "application/x-ndjson; charset=utf-8") == [{"a": 1}, {"a": 2}]


def test_unpacks_gzip() -> None:
    assert unpack(gzip.compress(b"[1, 2]", mtime=0), encoding="gzip", most_bytes=100) == b"[1, 2]"


def test_passes_over_the_mark_that_some_editors_put_before_a_text() -> None:
    assert rows(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999", b"9" * 5000])
def test_lets_a_number_through_that_nothing_stores_so_that_its_row_is_refused_by_name(number: bytes) -> None:
    [first, row] = rows(b'[{"a": 1}, {"score": ' + number + b"}]")
    assert first == {"a": 1}
    assert not -1e300 < row["score"] < 1e300


DEEP = b"[" * 80 + b"]" * 80


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (b'{"key": "a", "key": "b"}', "names 'key' twice in one object"),
        (b'{"key": "a", "inputs": {"x": [{"y": 1, "y": 1}]}}', "names 'y' twice in one object"),
        (b'{"key": ' + DEEP + b"}", "is nested more than 64 levels deep"),
    ],
    ids=["name", "inner name", "depth"],
)
def test_one_row_that_cannot_be_used_costs_no_other(row: bytes, sentence: str) -> None:
    found = rows(b'[{"a": 1}, ' + row + b', {"a": 2}]')
    assert found == [{"a": 1}, Unreadable(f"The row {sentence}."), {"a": 2}]
    found = rows(b'{"a": 1}\n' + row + b'\n{"a": 2}', json_body.NDJSON)
    assert found == [{"a": 1}, Unreadable(f"Line 2 {sentence}."), {"a": 2}]


@pytest.mark.parametrize("line", [b"nope", b'{"a": ', b"\xff", b"[" * 100_000])
def test_one_line_that_is_not_json_costs_no_other(line: bytes) -> None:
    first, bad, last = rows(b'{"a": 1}\n' + line + b'\n{"a": 2}', json_body.NDJSON)
    assert (first, last) == ({"a": 1}, {"a": 2})
    assert bad.error.startswith("Line 2 is ")


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "The body is not JSON"),
        (b"{", 400, "The body is not JSON"),
        (b'{"a": 1}', 400, "The body is not a JSON array of rows."),
        (b"\xff\xfe", 400, "The body is not JSON: byte 0 is not UTF-8."),
        (b'[{"a": NaN]', 400, "The body is not JSON"),
        (b"[" * 100_000, 400, "The body is nested too deeply."),
        (b"[" * 935 + b"]" * 934, 400, "The body is not JSON"),
        (b"[1,2,3]", 413, "The batch has 3 rows; at most 2 are taken at once."),
    ],
)
def test_refuses_what_is_no_batch(body: bytes, status: int, sentence: str) -> None:
    with pytest.raises(BadBody) as refused:
        rows(body, most_rows=2)
    assert str(refused.value).startswith(sentence)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("body", "encoding", "status", "sentence"),
    [
        (b"plain", "gzip", 400, "The body is not whole gzip."),
        (gzip.compress(b"[1]", mtime=0)[:-4], "gzip", 400, "The body is not whole gzip."),
        (b"[]", "br", 415, "Content-Encoding 'br' is not known"),
        (gzip.compress(b" " * 2_000_000, mtime=0), "gzip", 413, "more than 1 MiB unpacked"),
    ],
)
def test_refuses_what_does_not_unpack(body: bytes, encoding: str, status: int, sentence: str) -> None:
    with pytest.raises(BadBody) as refused:
        unpack(body, encoding=encoding, most_bytes=2**20)
    assert sentence in str(refused.value)
    assert refused.value.status == status


def test_an_object_that_names_something_twice_is_refused() -> None:
    with pytest.raises(BadBody, match="names 'labels' twice in one object"):
        decode_object(b'{"labels": [], "labels": [1]}')


def test_finding_a_repeated_name_takes_no_longer_than_reading_the_object() -> None:
    """A hundred thousand names: comparing each with each would take minutes."""
    names = ",".join(json.dumps(f"n{i}") + ":0" for i in range(100_000))
    with pytest.raises(BadBody, match="names 'n0' twice"):
        decode_object(b"{" + names.encode() + b',"n0":0}')


ATOMS = st.sampled_from(
    ['"a"', '"a\\\\"', '"b\\":"', '"c :"', "1", "-0.0", "1e400", "NaN", '"\\ud800"', "9" * 25, "{", ""]
)
NAMES = st.sampled_from(['"a"', '"b"', '"a\\\\"', '"x\\":"', '"\\u0061"'])
COLONS = st.sampled_from([":", ": ", " :", "\n:"])
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
        | st.lists(st.tuples(NAMES, COLONS, inner).map("".join), max_size=3).map(lambda parts: f"{{{','.join(parts)}}}")
    ),
    max_leaves=6,
)


@given(st.lists(VALUES, max_size=3), st.sampled_from(["[{}]", "\n", "\r\n"]))
def test_the_decoder_in_c_answers_as_the_careful_one_does(values: list[str], form: str) -> None:
    data = (form.format(",".join(values)) if "{}" in form else form.join(values)).encode()
    content_type = "application/json" if "{}" in form else json_body.NDJSON

    def answer() -> str:
        try:
            return repr(json_body.decode_batch(data, content_type=content_type, most_rows=10))
        except BadBody as why:
            return str(why)

    quick = answer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_body, "_decode_plain", lambda *given, **named: None)
        assert quick == answer()
