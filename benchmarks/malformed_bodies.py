"""Generated bodies to every call of the API that takes one: is each answered, and does memory stay flat?

    python -m benchmarks.malformed_bodies [--bodies 20000] [--by-schema 4000] [--seed 1]

runs in one process, in a folder of its own, on SQLite or on the PostgreSQL of DATABASE_URL. `--by-schema` of the bodies
are schemathesis's, of values that fit the OpenAPI document and of values that do not; the others are the examples of
the document broken in the usual ways: cut, with bytes changed, of another encoding, nested, too large, packed wrongly
or as a bomb. One JSON line: how many bodies, how many of each status, how many answers of 500 or more, how many
refusals without a sentence, and by how many MiB the process grew after the first thousand. Ends with 1 where one of
them is not as it should be.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.generated_requests import GeneratedRequest, broken_requests, examples, schema_requests

WARM = 1000  # bodies before memory is measured
MOST_GROWTH = 100  # MiB
LONGEST_SENTENCE = 2000
LABELS = ("card_arrival", "exchange_rate")
SPEC: dict[str, Any] = {
    "title": "Mail",
    "kind": "choice",
    "inputs": {"text": {"type": "text"}, "amount": {"type": "number", "required": False}},
}


@dataclass
class AnsweredBodies:
    """What was answered: statuses, and the requests whose answers are not as they should be."""

    statuses: Counter[int] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    wordless: list[str] = field(default_factory=list)

    def note(self, request: GeneratedRequest, answer: Any) -> None:
        self.statuses[answer.status_code] += 1
        said = f"{request.kind} {request.method} {request.path} {answer.status_code} {request.body[:200]!r}"
        if answer.status_code >= 500:
            self.failed.append(said)
        elif answer.status_code >= 400 and not has_sentence(answer):
            self.wordless.append(said)


def has_sentence(answer: Any) -> bool:
    """Whether a refusal is a problem of RFC 9457 whose detail is a short sentence."""
    try:
        detail = json.loads(answer.content)["detail"]
    except (ValueError, KeyError, TypeError):
        return False
    ends = isinstance(detail, str) and detail.rstrip().endswith((".", "…"))
    return ends and len(detail) <= LONGEST_SENTENCE


def send(client: Any, request: GeneratedRequest, secret: str) -> Any:
    headers = {"Authorization": f"Bearer {secret}", **request.headers}
    return client.generic(
        request.method, request.path, request.body, content_type=request.content_type, headers=headers
    )


def project_key(labels: Sequence[str] = LABELS) -> tuple[str, str]:
    """Slug of a new project, and a key with every scope for it."""
    from django.utils import timezone

    from projects import invitations, members, specs
    from projects.models import Scope

    now = timezone.now()
    person, *_ = invitations.account("engineer", by=None, at=now)
    spec = SPEC | {"labels": [*labels], "safe_default": labels[0]}
    project = specs.create_project("mail", spec, by=None, at=now, admin="engineer")
    return project.slug, members.create_key(project, person, list(Scope), by=person, at=now)[1]


def peak() -> float:
    """MiB that the process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def set_up() -> None:
    """Django on an empty database in a folder of its own."""
    os.environ["PLUMBLINE_HOME"] = tempfile.mkdtemp()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)


def run(bodies: int, by_schema: int, seed: int) -> dict[str, Any]:
    """Send them all, and count what was answered."""
    from django.test import Client

    from config.api import api

    slug, secret = project_key()
    client, outcome, schema = Client(raise_request_exception=False), AnsweredBodies(), api.get_openapi_schema()
    before: list[float] = []

    def act(request: GeneratedRequest) -> None:
        outcome.note(request, send(client, request, secret))
        if outcome.statuses.total() == WARM:
            before.append(peak())

    for request in broken_requests(examples(schema, slug), bodies - by_schema, seed):
        act(request)
    schema_requests(schema, slug, by_schema, seed, act)
    return {
        "benchmark": "malformed_bodies",
        "bodies": outcome.statuses.total(),
        "statuses": dict(sorted(outcome.statuses.items())),
        "failed": len(outcome.failed),
        "wordless": len(outcome.wordless),
        "growth_mib": round(peak() - before[0], 1) if before else None,
        "examples": (outcome.failed + outcome.wordless)[:10],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=20_000)
    parser.add_argument("--by-schema", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    set_up()
    found = run(asked.bodies, asked.by_schema, asked.seed)
    print(json.dumps(found), flush=True)
    return int(bool(found["failed"] or found["wordless"] or (found["growth_mib"] or 0) > MOST_GROWTH))


if __name__ == "__main__":
    sys.exit(main())
