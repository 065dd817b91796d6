"""Make a project from its spec, and say in one sentence what a spec has wrong."""

import re
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from inputs.contract import InvalidContract, check_contract
from projects import audit, invitations, lookalikes, members, side_questions, task_kinds
from projects.label_lists import check_labels, check_names
from projects.models import ContractViolations, InputContract, LabelSchema, Project, Role, User
from projects.project_settings import (
    LABEL_SLICE,
    BadSpec,
    CostSettings,
    RetrainingSettings,
    RoutingSettings,
    Settings,
    check_labels_named,
    parse,
    shown,
    whole_number,
)
from validation.json_values import is_storable_text

MOST_OVERLAP = 20
LONGEST_MATURING = 3650
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Spec(Settings, frozen=True, kw_only=True):
    """A project as its spec describes it, checked. Labels are {value, title?, hint?, key?, colour?}."""

    title: str
    kind: str
    labels: list[dict[str, Any]]
    answer: dict[str, Any]
    inputs: dict[str, dict[str, Any]]
    segments: list[str]
    overlap: int
    costs: dict[str, Any]
    positive: str
    safe_default: str
    outcome_matures_after_days: int
    contract_violations: str
    retraining: dict[str, Any]
    routing: dict[str, Any]
    also_ask: list[dict[str, Any]]
    guideline: str

    def columns(self) -> dict[str, Any]:
        """What the project's own row holds of it."""
        elsewhere = {"labels", "inputs", "segments", "guideline"}
        return {name: getattr(self, name) for name in self.__struct_fields__ if name not in elsewhere}


@transaction.atomic
def create_project(slug: str, spec: Any, *, by: User | None, at: datetime, admin: str = "") -> Project:
    """Make the project with version 1 of its label schema and input contract.

    `admin` names who administers it, with an account made where there is none; without a name it is `by` or, where
    nobody is signed in, every admin of the installation. Raises BadSpec and MemberProblem.
    """
    check_slug(slug)
    checked = parse_spec(spec)
    try:
        with transaction.atomic():
            project = Project.objects.create(slug=slug, created_at=at, **checked.columns())
    except IntegrityError:  # of two that take one slug at once, the second meets the constraint
        raise BadSpec(f"There is a project {slug} already.") from None
    LabelSchema.objects.create(project=project, version=1, labels=checked.labels, created_at=at)
    InputContract.objects.create(
        project=project, version=1, inputs=checked.inputs, segments=checked.segments, created_at=at
    )
    audit.record("project.create", by=by, at=at, project=project, target=slug)
    add_admins(project, admin, by=by, at=at)
    return project


def check_slug(slug: str) -> None:
    """Raises BadSpec where a project cannot have this slug, or one has it."""
    if not SLUG.fullmatch(slug) or len(slug) > 60:
        raise BadSpec(f"The slug {slug!r} takes lower-case letters, digits and single hyphens, at most 60.")
    if Project.objects.filter(slug=slug).exists():
        raise BadSpec(f"There is a project {slug} already.")


def add_admins(project: Project, admin: str, *, by: User | None, at: datetime) -> None:
    """Let the person of this name administer a new project or, without a name, whoever `create_project` says."""
    for person in _admins(admin, by=by, at=at):
        members.set_role(project, person, Role.ADMIN, by=by, at=at)


def spec_of(project: Project) -> dict[str, Any]:
    """The spec that the project's settings make now, with the labels that are offered; the guideline is elsewhere."""
    schema, contract = project.schema(), project.contract()
    elsewhere = {"labels", "inputs", "segments", "guideline"}
    columns = {name: getattr(project, name) for name in Spec.__struct_fields__ if name not in elsewhere}
    offered = [label for label in schema.labels if not label.get("retired")]
    columns["also_ask"] = side_questions.offered_questions(project.also_ask, schema.labels)
    return columns | {"labels": offered, "inputs": contract.inputs, "segments": contract.segments}


def _admins(name: str, *, by: User | None, at: datetime) -> list[User]:
    if name:
        return [invitations.account(name, by=by, at=at)[0]]
    return [by] if by else list(User.objects.filter(is_superuser=True, is_active=True).order_by("pk"))


def parse_spec(given: Any) -> Spec:
    """The spec with its defaults. Raises BadSpec at the first thing wrong."""
    if not isinstance(given, dict):
        raise BadSpec("A spec is one JSON object.")
    if holds_nul(given):
        raise BadSpec("A spec holds no NUL character; some text of this one does.")
    fields = Spec.__struct_fields__
    if unknown := sorted(set(map(str, given)) - set(fields)):
        raise BadSpec(f"Unknown field {unknown[0]}; a spec takes {', '.join(sorted(fields))}.")
    title, kind = check_title(given.get("title")), _kind(given.get("kind"))
    labels = _labels(kind, given)
    inputs = check_inputs(given.get("inputs"))
    answer = task_kinds.complete_options(kind, given.get("answer", {}), inputs)
    decision = side_questions.MainQuestion(kind, answer, labels, inputs)
    spec = Spec(
        title=title,
        kind=kind,
        labels=labels,
        answer=answer,
        inputs=inputs,
        segments=check_segments(given.get("segments", [])),
        overlap=whole_number("overlap", given.get("overlap", 1), 1, MOST_OVERLAP),
        costs=_checked(CostSettings, "costs", given),
        positive=_text("positive", given),
        safe_default=_text("safe_default", given),
        outcome_matures_after_days=whole_number(
            "outcome_matures_after_days", given.get("outcome_matures_after_days", 0), 0, LONGEST_MATURING
        ),
        contract_violations=_contract_violations(given.get("contract_violations", ContractViolations.REFUSE)),
        retraining=_checked(RetrainingSettings, "retraining", given),
        routing=_checked(RoutingSettings, "routing", given),
        also_ask=side_questions.parse_questions(given.get("also_ask", []), decision),
        guideline=_text("guideline", given),
    )
    check_labels_named(spec, [label["value"] for label in labels], spec.segments)
    return spec


def _checked(kind: type[Settings], name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The settings as they were given: what is left out follows the defaults of later versions too."""
    value = given.get(name, {})
    parse(kind, name, value)
    return value


def check_title(given: Any) -> str:
    """The title as it is stored. Raises BadSpec."""
    if not isinstance(given, str) or not 1 <= len(given.strip()) <= 120 or lookalikes.fault(given.strip()):
        raise BadSpec("title takes 1 to 120 characters on one line.")
    return given.strip()


def _kind(given: Any) -> str:
    if not isinstance(given, str) or given not in task_kinds.names():
        raise BadSpec(f"kind is {shown(given)}; this version takes {', '.join(task_kinds.names())}.")
    return given


def _contract_violations(given: Any) -> str:
    if given not in ContractViolations.values:
        raise BadSpec(f"contract_violations is {shown(given)}; it takes {' or '.join(ContractViolations.values)}.")
    return str(given)


def _text(name: str, given: dict[str, Any]) -> str:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise BadSpec(f"{name} is {shown(value)}; it takes text.")
    return value or ""


def _labels(kind: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    if not task_kinds.needs_labels(kind) and not given.get("labels"):
        return []
    return check_labels(given.get("labels"), fewest=task_kinds.fewest_labels(kind))


def check_inputs(given: Any) -> dict[str, Any]:
    """The inputs of a contract. Raises BadSpec."""
    try:
        checked = check_contract(given)
    except InvalidContract as why:
        raise BadSpec(str(why)) from None
    check_names("Input", list(checked))
    return checked


def check_segments(given: Any) -> list[str]:
    """The names of segments. Raises BadSpec."""
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise BadSpec("segments takes a list of names.")
    check_names("Segment", given)
    if LABEL_SLICE in given:
        raise BadSpec(f"A segment cannot be called {LABEL_SLICE}: {LABEL_SLICE}=… names the items of one label.")
    return given


def holds_nul(value: Any) -> bool:
    """Whether a text anywhere in a JSON value holds NUL or half a surrogate pair, which no database stores."""
    if isinstance(value, dict):
        return any(holds_nul(name) or holds_nul(part) for name, part in value.items())
    if isinstance(value, list):
        return any(holds_nul(part) for part in value)
    return isinstance(value, str) and not is_storable_text(value)
