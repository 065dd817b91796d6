"""Versions of a project's input contract: inputs added, and what each of them takes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from annotation.models import Item
from inputs.contract_changes import contract_changes
from inputs.images import PixelBudget
from inputs.registry import INPUT_TYPES
from inputs.types.base import InvalidValue
from projects import audit, members, specs
from projects.locks import retry_conflicts
from projects.models import InputContract, Project, SettingsVersion, User
from projects.project_settings import BadSpec, check_labels_named
from projects.settings_versions import SettingsArea, change, check_base, check_reason, fingerprint

TRIED = 1_000  # newest items that a new rule is tried on


def contract_value(contract: InputContract) -> dict[str, Any]:
    """What an edit is based on: the inputs and the names of segments."""
    return {"inputs": contract.inputs, "segments": contract.segments}


VIOLATIONS = SettingsArea("inputs", ("contract_violations",))


def inputs_value(project: Project) -> dict[str, Any]:
    """What an edit of the page is based on: the contract, and what becomes of rows that break it."""
    return contract_value(project.contract()) | VIOLATIONS.value(project)


@retry_conflicts
@transaction.atomic
def publish_inputs(
    project: Project, proposed: Mapping[str, Any], *, base: str, reason: str, by: User, at: datetime
) -> InputContract | SettingsVersion | None:
    """Put the next version of the contract, of what becomes of rows that break it, or of both in force.

    None where they are in force. Raises StaleSettings where something else than `base` is in force, and BadSpec.
    """
    members.lock(project)
    now = Project.objects.get(pk=project.pk)
    present = inputs_value(now)
    if present == proposed:
        return None
    check_base(present, base, now.contract(), "the inputs")
    contract = {name: proposed[name] for name in contract_value(now.contract())}
    violations = {name: proposed[name] for name in VIOLATIONS.columns}
    say: dict[str, Any] = {"reason": reason, "by": by, "at": at}
    changed = change(now, VIOLATIONS, violations, base=fingerprint(VIOLATIONS.value(now)), **say)
    return publish_contract(now, contract, base=fingerprint(contract_value(now.contract())), **say) or changed


def check_contract_change(project: Project, proposed: Mapping[str, Any]) -> None:
    """Raises BadSpec where this contract cannot follow the one in force."""
    specs.check_inputs(proposed["inputs"])
    specs.check_segments(proposed["segments"])
    for name, rule in project.contract().inputs.items():
        if name not in proposed["inputs"]:
            raise BadSpec(f"Input {name!r} is missing; captured items have it, so it stays.")
        if proposed["inputs"][name]["type"] != rule["type"]:
            raise BadSpec(f"Input {name!r} is of type {rule['type']}; a new name is needed for another type.")
    check_labels_named(project, project.schema().offered_values(), proposed["segments"])


@retry_conflicts
@transaction.atomic
def publish_contract(
    project: Project, proposed: Mapping[str, Any], *, base: str, reason: str, by: User, at: datetime
) -> InputContract | None:
    """Put the next version in force; None where it is in force already.

    Raises StaleSettings where something else than `base` is in force, and BadSpec.
    """
    reason = check_reason(reason)
    members.lock(project)
    now = Project.objects.get(pk=project.pk)
    last = now.contract()
    if contract_value(last) == proposed:
        return None
    check_base(contract_value(last), base, last, "the inputs")
    check_contract_change(now, proposed)
    made = InputContract.objects.create(
        project=now, version=last.version + 1, **proposed, reason=reason, created_by=by, created_at=at
    )
    changed = sorted({change.input for change in contract_changes(last.inputs, made.inputs)})
    details = {"version": made.version, "reason": reason, "inputs": changed}
    audit.record("inputs.change", by=by, at=at, project=now, target=f"version {made.version}", details=details)
    return made


def count_broken(
    project: Project, rules: Mapping[str, Mapping[str, Any]], names: list[str]
) -> tuple[int, dict[str, int]]:
    """How many of the newest items there are, at most TRIED, and by name how many have a value that breaks its rule.

    A value that is missing counts where the input is required. Images are not tried again.
    """
    rows = Item.objects.filter(project=project).order_by("-pk").values_list("inputs", flat=True)[:TRIED]
    stored, budget = list(rows), PixelBudget()
    tried = [name for name in names if not INPUT_TYPES[rules[name]["type"]].in_media]
    return len(stored), {
        name: sum(not _fits(name, inputs.get(name), rules[name], budget) for inputs in stored) for name in tried
    }


def _fits(name: str, value: Any, rule: Mapping[str, Any], budget: PixelBudget) -> bool:
    if value is None:
        return not rule.get("required", True) or bool(rule.get("nullable"))
    try:
        INPUT_TYPES[rule["type"]].validate(name, value, rule, budget)
    except InvalidValue:
        return False
    return True
