"""What to do with a project that has captured nothing: the command that sends its first prediction."""

import json
import shlex
from typing import Any

from inputs.registry import INPUT_TYPES
from projects.models import Project

MOST_SCORES = 6  # labels whose scores an example spells out; with more it names the label alone


def capture_command(project: Project, address: str) -> str:
    """A curl command that captures one prediction, with inputs and labels of this project.

    `address` is that of the call; the shell has the key in KEY.
    """
    body = json.dumps([_row(project)], ensure_ascii=False)
    lines = (
        f"curl {shlex.quote(address)}",
        '  --header "Authorization: Bearer $KEY"',
        '  --header "Content-Type: application/json"',
        f"  --data {shlex.quote(body)}",
    )
    return " \\\n".join(lines)


def _row(project: Project) -> dict[str, Any]:
    contract = project.contract()
    inputs = {name: INPUT_TYPES[rule["type"]].example(rule) for name, rule in contract.inputs.items()}
    segment = dict.fromkeys((name for name in contract.segments if name not in contract.inputs), "a")
    row = {"key": "example-1", "inputs": inputs, **_scored(project.schema().values()), "model_version": "my-model-1"}
    return row | ({"segment": segment} if segment else {})


def _scored(labels: list[str]) -> dict[str, Any]:
    """The first label, with scores where there are few labels."""
    if not labels:
        return {}
    if not 1 < len(labels) <= MOST_SCORES:
        return {"label": labels[0]}
    rest = round(0.3 / (len(labels) - 1), 3)
    return {"scores": dict.fromkeys(labels, rest) | {labels[0]: round(1 - rest * (len(labels) - 1), 3)}}
