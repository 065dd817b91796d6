"""Each act of a release in a child process that SIGKILL ends at each of its writes in turn; prints what came of it.

After each kill the database must hold the state of before or that of after, never one between, and the act done again
must end in the state of after. The database is that of DATABASE_URL.
"""

import json
import os
import signal
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from projects.models import AuditEvent, Project  # noqa: E402
from retraining import registry, release, rollout, rule_release  # noqa: E402
from retraining.learning.decision_rules import ThresholdBody  # noqa: E402
from retraining.models import ModelVersion, Release, Rollout, RolloutMode, RuleKind  # noqa: E402
from retraining.release_record import ReleaseAct  # noqa: E402
from tests.retraining.scenarios import judged, learn, make_champion, make_numeric_project, make_version  # noqa: E402

WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT", "RELEASE")
MOST_WRITES = 40
State = tuple[Any, ...]


def main() -> None:
    settings.ARTIFACT_HOME.mkdir(parents=True, exist_ok=True)
    project = make_numeric_project("mail")
    learn(project, 5)
    make_champion(project)
    version = make_version(project)
    acts: list[tuple[str, Callable[[], object]]] = [
        ("threshold", lambda: rule_release.release_rule(project, ThresholdBody({"spam": 0.4}), **by())),
        ("threshold back", lambda: rule_release.roll_back_rule(project, RuleKind.THRESHOLD, expected="t1", **by())),
        ("canary", lambda: running() or rollout.begin(project, "v2", RolloutMode.CANARY, act())),
        ("raise", lambda: rollout.raise_share(Rollout.objects.latest("pk"), act(), expected=0.01)),
        ("canary back", lambda: rollout.end(Rollout.objects.latest("pk"), act())),
        ("promote", lambda: release.promote(judged_now(version), **by())),
        ("model back", lambda: release.roll_back(project, expected="v2", **by())),
    ]
    ends: dict[str, dict[str, int]] = {}
    for name, do in acts:
        ends[name] = kill_at_each_write(project, do)
    found = {"database": connection.vendor, "acts": ends, "releases": Release.objects.count()}
    print(json.dumps(found | {"events": AuditEvent.objects.exclude(action="item.resolve").count()}))


def by() -> dict[str, Any]:
    return {"by": None, "reason": "a test", "at": timezone.now()}


def act() -> ReleaseAct:
    return ReleaseAct(None, "a test", timezone.now())


def running() -> Rollout | None:
    return rollout.running(Project.objects.get())


def judged_now(version: ModelVersion) -> ModelVersion:
    """Judged against what serves, unless it serves itself already."""
    live = registry.champion(Project.objects.get())
    return version if live == version else judged(ModelVersion.objects.get(pk=version.pk))


def state(project: Project) -> State:
    """Everything that a release changes."""
    row = Project.objects.filter(pk=project.pk).values_list(
        "champion_version", "threshold_version", "policy_version", "canary_version"
    )
    stages = ModelVersion.objects.order_by("pk").values_list("pk", "stage")
    beside = Rollout.objects.order_by("pk").values_list("pk", "state", "begun")
    acts = AuditEvent.objects.filter(details__has_key="previous").count()
    return (row.get(), list(stages), [str(one) for one in beside], Release.objects.count(), acts)


def kill_at_each_write(project: Project, do: Callable[[], object]) -> dict[str, int]:
    """Kill at the first write, the second, and so on, until the act ends before its turn comes."""
    kills = between = 0
    before, seen = state(project), []
    for number in range(MOST_WRITES):
        killed = in_child(do, number)
        kills += killed
        seen.append(state(project))
        if not killed:
            break
    after = seen[-1]
    between = sum(one not in (before, after) for one in seen)
    return {"kills": kills, "between": between, "changed": int(before != after)}


def in_child(do: Callable[[], object], number: int) -> bool:
    """Whether the child was killed before its write of this number, counted from 0."""
    connections.close_all()  # no two processes may share a connection
    if (pid := os.fork()) == 0:
        passed = 0

        def at_write(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            nonlocal passed
            if sql.lstrip().upper().startswith(WRITES):
                if passed == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                passed += 1
            return execute(sql, params, many, context)

        with connection.execute_wrapper(at_write):
            do()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    main()
