"""Values that break the input contract: rows refused and counted, or kept with the value beside the item."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from annotation import capture
from annotation.exporting import exported_rows
from annotation.models import ContractViolation, Item, RefusedRowCount
from projects.models import ContractViolations, Project, Role
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db
INPUTS: dict[str, Any] = {
    "text": {"type": "text"},
    "amount": {"type": "number", "min": 0},
    "country": {"type": "category", "values": ["de", "fr"], "required": False},
}
GOOD: dict[str, Any] = {"text": "hello", "amount": 1}


def project_with(violations: str, **fields: Any) -> Project:
    return make_project(inputs=INPUTS, contract_violations=violations, **fields)


def keep(project: Project, *inputs: Any, first: int = 0) -> capture.CapturedPredictions:
    rows = [{"key": f"k{place}", "inputs": given} for place, given in enumerate(inputs, first)]
    return capture.capture_rows(project, rows, at=NOW)


def kept(key: str) -> dict[str, tuple[str, Any, bool]]:
    return {one.input: (one.rule, one.given, one.exact) for one in Item.objects.get(key=key).violations.all()}


class TestKept:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"amount": -1}, {"amount": ("min", -1, True)}),
            ({"amount": "1,5"}, {"amount": ("type", "1,5", True)}),
            ({"amount": None}, {"amount": ("missing", None, True)}),
            ({"country": "it"}, {"country": ("values", "it", True)}),
            (
                {"country": ["de"], "new": {"a": 1}},
                {"country": ("type", ["de"], True), "new": ("unknown", {"a": 1}, True)},
            ),
            ({"amount": float("nan")}, {"amount": ("type", "nan", False)}),
            ({"new\0": "\ud800"}, {"new\N{REPLACEMENT CHARACTER}": ("unknown", "'\\ud800'", False)}),
        ],
    )
    def test_the_row_is_captured_and_the_value_stands_beside_it(
        self, given: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        captured = keep(project_with(ContractViolations.KEEP), {**GOOD, **given})
        assert (captured.created, captured.refused, captured.violating) == (1, (), 1)
        assert kept("k0") == expected

    def test_the_input_is_missing_for_whatever_reads_the_item(self) -> None:
        keep(project_with(ContractViolations.KEEP), {**GOOD, "amount": "much", "new": 1})
        assert Item.objects.get().inputs == {"text": "hello", "amount": None, "country": None}

    def test_a_long_value_is_kept_by_its_beginning(self) -> None:
        keep(project_with(ContractViolations.KEEP), {**GOOD, "amount": "9" * 100_000})
        rule, given, exact = kept("k0")["amount"]
        assert (rule, len(given), exact) == ("type", 200, False)

    def test_sent_again_nothing_is_doubled(self) -> None:
        project = project_with(ContractViolations.KEEP)
        keep(project, {**GOOD, "amount": -1})
        again = keep(project, {**GOOD, "amount": -1})
        assert (again.existing, again.violating, ContractViolation.objects.count()) == (1, 0, 1)

    def test_another_body_under_the_key_adds_nothing(self) -> None:
        project = project_with(ContractViolations.KEEP)
        keep(project, GOOD)
        assert [one.field for one in keep(project, {**GOOD, "amount": -1}).refused] == ["key"]
        assert not ContractViolation.objects.exists()

    def test_a_row_of_many_unknown_names_is_refused_and_counted(self) -> None:
        captured = keep(project_with(ContractViolations.KEEP), GOOD | dict.fromkeys(map(str, range(51)), 1), [])
        assert [refusal.error for refusal in captured.refused] == [
            "`inputs` has 51 names that are not in the input contract; at most 50 are kept.",
            "`inputs` takes an object with a value for each input of the project; it is [].",
        ]
        assert [(one.input, one.rule, one.rows) for one in RefusedRowCount.objects.all()] == [("", "unknown", 1)]

    def test_the_page_and_a_full_export_say_what_was_given(self) -> None:
        project = project_with(ContractViolations.KEEP)
        keep(project, {**GOOD, "amount": "much"})
        client = Client()
        client.force_login(make_user(project=project, role=Role.ENGINEER))
        page = client.get(f"/p/{project.slug}/items/{Item.objects.get().uid}/").content.decode()
        assert "not of its type, counts as missing" in page
        assert "<code>&#x27;much&#x27;</code>" in page
        [row] = exported_rows(project, full=True)
        assert row.extra["violations"] == [{"input": "amount", "rule": "type", "given": "much", "exact": True}]

    def test_the_list_of_items_filters_by_the_input(self) -> None:
        project = project_with(ContractViolations.KEEP)
        keep(project, {**GOOD, "amount": "much"}, GOOD)
        client = Client()
        client.force_login(make_user(project=project, role=Role.ENGINEER))
        page = client.get(f"/p/{project.slug}/items/?violation=amount").content.decode()
        assert ("k0" in page, "k1" in page) == (True, False)


class TestRefused:
    def test_rows_are_counted_by_hour_input_and_rule(self) -> None:
        project = project_with(ContractViolations.REFUSE)
        bad = [{**GOOD, "amount": -1}, {**GOOD, "amount": -2}, {**GOOD, "new": 1}, {**GOOD, "newer": 1}]
        refused = keep(project, GOOD, *bad).refused
        keep(project, bad[0], first=9)
        assert [(one.index, one.field) for one in refused] == [(1, "amount"), (2, "amount"), (3, "new"), (4, "newer")]
        assert {
            (one.hour, one.contract_version, one.input, one.rule): one.rows for one in RefusedRowCount.objects.all()
        } == {
            (NOW.replace(minute=0), 1, "amount", "min"): 3,
            (NOW.replace(minute=0), 1, "", "unknown"): 2,
        }
        assert Item.objects.count() == 1

    def test_counts_of_long_ago_are_removed(self) -> None:
        project = project_with(ContractViolations.REFUSE)
        rows = [{"key": "k", "inputs": {**GOOD, "amount": -1}}]
        capture.capture_rows(project, rows, at=NOW - timedelta(days=91))
        capture.capture_rows(project, rows, at=NOW)
        assert [one.rows for one in RefusedRowCount.objects.all()] == [1]

    def test_a_row_that_is_wrong_otherwise_is_not_counted(self) -> None:
        project = project_with(ContractViolations.REFUSE)
        capture.capture_rows(project, [{"key": "k", "inputs": GOOD, "label": "eggs"}], at=NOW)
        assert not RefusedRowCount.objects.exists()
