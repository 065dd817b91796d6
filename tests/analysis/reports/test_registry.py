"""A report kind that a test adds is computed, stored and read without a change to any other module."""

from collections.abc import Iterator

import pytest
from msgspec import Struct

from analysis.models import Report
from analysis.reports import refreshing, registry
from analysis.reports.registry import Computation, ReportKind, ReportRows
from analysis.reports.stored import newest
from annotation.models import Item
from tests.factories import NOW, make_item, make_project

pytestmark = pytest.mark.django_db


class BacklogBody(Struct, frozen=True, tag_field="version", tag=1):
    """How many items there are."""

    items: int


class Backlog(ReportKind[BacklogBody]):
    name = "backlog"
    body = BacklogBody
    windows = (0, 7)

    def prepare(self, rows: ReportRows, version: str, days: int) -> Computation[BacklogBody]:
        n = Item.objects.filter(project=rows.project).count()
        return Computation(str(n), lambda: BacklogBody(n))


@pytest.fixture
def kind() -> Iterator[Backlog]:
    made = Backlog()
    registry.register(made)
    yield made
    registry.unregister("backlog")


def test_a_new_kind_is_refreshed_with_the_others_and_read_back(kind: Backlog) -> None:
    project = make_project()
    make_item(project)
    refreshing.refresh(project, at=NOW)
    found = newest(project, kind, days=7)
    assert found is not None and found.body == BacklogBody(1)
    assert Report.objects.get(kind="backlog", window_days=0).body == {"version": 1, "items": 1}
    refreshing.refresh(project, at=NOW)
    assert Report.objects.filter(kind="backlog").count() == 2  # nothing changed: no new rows


def test_a_name_is_taken_once(kind: Backlog) -> None:
    class Other(Backlog):
        pass

    with pytest.raises(ValueError, match="another report kind backlog"):
        registry.register(Other())
