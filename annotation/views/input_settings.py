"""The settings page of the input contract."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from annotation import input_contracts
from annotation.input_contracts import contract_value
from annotation.input_form import InputsForm
from annotation.models import ContractViolation, RefusedRowCount
from inputs.contract_changes import ChangeKind, ContractChange, contract_changes
from projects.formatting import plural
from projects.guards import ProjectRequest, member
from projects.models import Can, ChangeRecord, ContractViolations, Project, User
from projects.settings_versions import versions_of
from projects.views.settings_page import SHOWN_VERSIONS, ChangeLine, Effect, SettingsPage, ShownVersion

RECENT = timedelta(days=7)


class InputsPage(SettingsPage):
    """The inputs with what each takes, and what a change would do to rows like the newest ones."""

    template, url, noun = "annotation/input_settings.html", "annotation:input-settings", "Inputs"

    def present(self, project: Project) -> dict[str, Any]:
        return input_contracts.inputs_value(project)

    def form(self, project: Project, data: Any = None) -> InputsForm:
        return InputsForm(project, data)

    def proposed(self, project: Project, form: Any) -> dict[str, Any]:
        return form.contract()

    def validate(self, project: Project, proposed: Any) -> None:
        input_contracts.check_contract_change(project, proposed)

    def store(self, project: Project, proposed: Any, *, base: str, reason: str, by: User, at: datetime) -> Any:
        return input_contracts.publish_inputs(project, proposed, base=base, reason=reason, by=by, at=at)

    def versions(self, project: Project) -> Sequence[tuple[int, ChangeRecord, Any]]:
        rows = project.input_contracts.select_related("created_by").order_by("-version")[: SHOWN_VERSIONS + 1]
        return [(row.version, row, contract_value(row)) for row in rows]

    def history(self, project: Project, found: Sequence[tuple[int, ChangeRecord, Any]]) -> list[ShownVersion]:
        """Versions of the contract, and the changes of what becomes of rows that break it, which have their own."""
        area = input_contracts.VIOLATIONS
        rows = list(versions_of(project, area.name)[: SHOWN_VERSIONS + 1])
        others = [
            ShownVersion(new.version, new, self._violation_lines(old.value, new.value))
            for new, old in zip(rows, rows[1:], strict=False)
        ]
        both = [*super().history(project, found), *others]
        return sorted(both, key=lambda one: one.made.created_at, reverse=True)[:SHOWN_VERSIONS]

    def _violation_lines(self, before: Any, after: Any) -> list[ChangeLine]:
        """None for a version of the contract, which does not hold it."""
        titles = dict(ContractViolations.choices)
        old, new = (value.get("contract_violations") for value in (before, after))
        return [ChangeLine("A row that breaks the contract", titles[old], titles[new])] if old != new else []

    def changes(self, project: Project, before: Any, after: Any) -> list[ChangeLine]:
        lines = [_line(change) for change in contract_changes(before["inputs"], after["inputs"])]
        if before["segments"] != after["segments"]:
            old, new = (", ".join(value["segments"]) or "any" for value in (before, after))
            lines.append(ChangeLine("Segments", old, new))
        return lines + self._violation_lines(before, after)

    def effects(self, project: Project, before: Any, after: Any) -> list[Effect]:
        added = [name for name in after["inputs"] if name not in before["inputs"]]
        changed = {change.input for change in contract_changes(before["inputs"], after["inputs"])} - set(added)
        names = [name for name in before["inputs"] if name in changed]
        tried, was = input_contracts.count_broken(project, before["inputs"], names)
        _, broken = input_contracts.count_broken(project, after["inputs"], names)
        found = (
            [] if before["contract_violations"] == after["contract_violations"] else [_of_violations(project, after)]
        )
        found += [
            Effect(
                f"Of the newest {plural(tried, 'item,items')}, {n:,} would break the new rule of {name}; now it is "
                f"{was[name]:,}. Items that are here stay.",
                warns=n > was[name],
            )
            for name, n in broken.items()
            if tried
        ]
        for name in added:
            needed = after["inputs"][name].get("required", True)
            words = f"Items that are here have no {name}."
            if needed:
                words += " Rows without it break the contract from now on: let your programs send it first."
            found.append(Effect(words, warns=needed))
        return found


def _of_violations(project: Project, after: Any) -> Effect:
    """What becomes of rows that break the contract from now on, with those of the last days."""
    since = timezone.now() - RECENT
    if after["contract_violations"] == ContractViolations.KEEP:
        counted = RefusedRowCount.objects.filter(project=project, hour__gt=since)
        n = counted.aggregate(n=Sum("rows"))["n"] or 0
        words = "From now on such a row is kept, without the value that breaks the contract"
        return Effect(f"{words}. In the last 7 days {plural(n, 'row was,rows were')} refused for it.")
    kept = ContractViolation.objects.filter(project=project, at__gt=since).values("item").distinct().count()
    words = "From now on such a row is refused, with its field and the reason; nothing of it is kept"
    return Effect(f"{words}. In the last 7 days {plural(kept, 'row was,rows were')} kept so.", warns=True)


def _line(change: ContractChange) -> ChangeLine:
    if change.kind is ChangeKind.CHANGED:
        return ChangeLine(f"{change.input}: {change.option}", _in_words(change.before), _in_words(change.after))
    return ChangeLine(change.input, _in_words(change.before), _in_words(change.after))


def _in_words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_words(part)}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


PAGE = InputsPage()


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.CHANGE)
def input_settings(request: ProjectRequest) -> HttpResponse:
    return PAGE.respond(request)
