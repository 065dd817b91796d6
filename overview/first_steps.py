"""What to do with a project that has captured nothing: programs that send its first prediction, and whether it came."""

import json
import pprint
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from annotation.models import Item, Prediction
from inputs.registry import INPUT_TYPES
from projects import audit, members
from projects.models import Project, Scope, User

MOST_SCORES = 6  # labels whose scores an example spells out; with more it names the label alone
KEY_LIVES = timedelta(days=90)
NO_KEY = "YOUR_KEY"


@dataclass(frozen=True)
class Snippet:
    """A program that captures one prediction as it stands, but for the key where none was made."""

    id: str
    language: str
    needs: str
    code: str


@dataclass(frozen=True)
class FirstRow:
    """The first item of a project, and what was predicted of it."""

    key: str
    url: str
    predicted: Any
    version: str

    @property
    def words(self) -> str:
        """What was predicted and by which version, as it follows the key in a sentence."""
        predicted = "" if self.predicted is None else f", {self.predicted}"
        return predicted + (f" by {self.version}" if self.version else "")


def snippets(project: Project, site: str, key: str = "") -> list[Snippet]:
    """The same prediction sent by three programs; `site` is the address of this installation."""
    return [
        Snippet(language, name, needs, write(project, site, key or NO_KEY))
        for language, name, needs, write in LANGUAGES
    ]


def bodies(project: Project) -> dict[str, Any]:
    """Bodies of calls that this project takes, by the last part of the call's address."""
    row = _row(project, key="example-1")
    labels = project.schema().values()
    correction = {"kind": "correction", "value": labels[0]} if labels else {"kind": "thumbs_up"}
    return {
        "predictions": [row],
        "signals": [{"id": "signal-1", "key": "example-1", **correction}],
        "predict": {"inputs": [row["inputs"]]},
    }


def first_row(project: Project) -> FirstRow | None:
    """What came first; None where nothing has come."""
    item = Item.objects.filter(project=project).order_by("pk").first()
    if item is None:
        return None
    said = Prediction.objects.of_items([item.pk]).order_by("pk").first()
    url = reverse("analysis:item", args=[project.slug, item.uid])
    return FirstRow(item.key, url, said.predicted_value if said else None, said.model_version if said else "")


def create_first_key(project: Project, user: User, *, by: audit.Actor, at: datetime, secret: str) -> str:
    """A key with which the snippets work: it may capture, and nothing else. Raises MemberProblem."""
    ends = at + KEY_LIVES
    name = "First prediction"
    return members.create_key(project, user, [Scope.INGEST], by=by, at=at, name=name, expires_at=ends, secret=secret)[1]


def _curl(project: Project, site: str, key: str) -> str:
    body = json.dumps([_row(project, key="first-by-curl")], ensure_ascii=False)
    lines = (
        f"curl {shlex.quote(_address(project, site))}",
        f"  --header {shlex.quote(f'Authorization: Bearer {key}')}",
        '  --header "Content-Type: application/json"',
        f"  --data {shlex.quote(body)}",
    )
    return " \\\n".join(lines)


def _python(project: Project, site: str, key: str) -> str:
    row = _row(project)
    inputs = _literal(row.pop("inputs"), 4)
    fields = "".join(f"    {name}={_literal(value, 5 + len(name))},\n" for name, value in row.items())
    return (
        "from plumbline_client import Client\n\n"
        f"with Client({site!r}, {project.slug!r}, {key!r}) as client:\n"
        "    client.predictions.log(\n"
        + "".join(f"    {line}\n" for line in f"    {inputs},\n{fields}".splitlines())
        + "    )\n"
        "    client.flush()\n"
        "    print(client.counts())"
    )


def _javascript(project: Project, site: str, key: str) -> str:
    rows = json.dumps([_row(project, key="first-by-javascript")], ensure_ascii=False, indent=2)
    rows = rows.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return (
        f"const answer = await fetch({json.dumps(_address(project, site))}, {{\n"
        '  method: "POST",\n'
        f'  headers: {{ "Authorization": {json.dumps(f"Bearer {key}")}, "Content-Type": "application/json" }},\n'
        "  body: JSON.stringify(" + rows.replace("\n", "\n  ") + "),\n"
        "});\n"
        "console.log(await answer.json());"
    )


LANGUAGES: tuple[tuple[str, str, str, Callable[[Project, str, str], str]], ...] = (
    ("curl", "curl", "In a shell of Linux, macOS or WSL.", _curl),
    ("python", "Python", "Python 3.11 with the client: pip install ./client, in Plumbline's source.", _python),
    (
        "javascript",
        "JavaScript",
        "A module of Node 18 or later. Keep the key out of web pages.",
        _javascript,
    ),
)


def _address(project: Project, site: str) -> str:
    return f"{site}/api/v1/projects/{project.slug}/predictions"


def _literal(value: Any, indent: int) -> str:
    """The value in Python, its later lines indented."""
    return pprint.pformat(value, width=88 - indent, sort_dicts=False).replace("\n", "\n" + " " * indent)


def _row(project: Project, **key: str) -> dict[str, Any]:
    contract = project.contract()
    inputs = {name: INPUT_TYPES[rule["type"]].example(rule) for name, rule in contract.inputs.items()}
    segment = dict.fromkeys((name for name in contract.segments if name not in contract.inputs), "a")
    row = {**key, "inputs": inputs, **_scored(project.schema().values()), "model_version": "my-model-1"}
    return row | ({"segment": segment} if segment else {})


def _scored(labels: list[str]) -> dict[str, Any]:
    """The first label, with scores where there are few labels."""
    if not labels:
        return {}
    if not 1 < len(labels) <= MOST_SCORES:
        return {"label": labels[0]}
    rest = round(0.3 / (len(labels) - 1), 3)
    return {"scores": dict.fromkeys(labels, rest) | {labels[0]: round(1 - rest * (len(labels) - 1), 3)}}
