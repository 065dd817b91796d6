"""Keyset pages: no gap, no double, whatever arrives meanwhile; a cursor that no page gave is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.models import Item
from projects import paging
from projects.chunks import chunks
from projects.paging import BadCursor, keyset_page
from tests.factories import NOW, make_item, make_project

BY = ("at", "pk")


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_pages_lead_through_all_rows_once_newest_first_while_rows_arrive(size: int) -> None:
    project = make_project()
    times = [NOW, NOW, NOW, NOW - timedelta(microseconds=1), NOW - timedelta(days=1), NOW, NOW + timedelta(1)]
    items = [make_item(project, at=at) for at in times]
    seen: list[int] = []
    after = ""
    while True:
        page = keyset_page(Item.objects.filter(project=project), by=BY, after=after, size=size)
        seen += [row.pk for row in page.rows]
        make_item(project, at=NOW + timedelta(days=2))  # newer: on no later page
        if not page.next:
            break
        after = page.next
    expected = sorted(items, key=lambda item: (item.at, item.pk), reverse=True)
    assert seen == [item.pk for item in expected]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "5", "~", "~5", "5~5", "2026-01-01T00:00:00Z~", "2026-01-01T00:00:00Z~x", "2026-01-01T00:00:00~5"),
        *("2026-02-31T00:00:00Z~5", "0001-01-01T00:00:00+14:00~5", "9999-12-31T23:59:59-14:00~5"),
        *("2026-01-01T00:00:00Z~²", "2026-01-01T00:00:00Z~" + "9" * 30, "2026-01-01T00:00:00Z~5~5", "\x00~5"),
    ],
)
def test_a_cursor_that_no_page_gave_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor, match="not one that a page gave"):
        keyset_page(Item.objects.all(), by=BY, after=cursor, size=2)


@pytest.mark.django_db
@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 30, "٢", "1~2"])
def test_a_number_that_no_page_gave_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        keyset_page(Item.objects.all(), by=["pk"], after=cursor, size=2)


@given(st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1)), st.integers(1, 10**18 - 1))
def test_a_cursor_names_its_row_exactly(at: datetime, pk: int) -> None:
    row = Item(pk=pk, at=at.replace(tzinfo=UTC))
    assert paging.cursor_values(Item.objects.all(), paging.cursor_of(row, by=BY), by=BY) == [row.at, pk]


@given(st.lists(st.integers()), st.integers(1, 7))
def test_chunks_hold_every_value_once_in_order(values: list[int], size: int) -> None:
    found = list(chunks(values, size))
    assert [value for chunk in found for value in chunk] == values
    assert all(1 <= len(chunk) <= size for chunk in found)
