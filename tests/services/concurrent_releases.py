"""Two people release at once, again and again, on the database of DATABASE_URL; prints what came of it as JSON.

Each round starts from v1 as the champion, with v2 and v3 judged against it.
"""

import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from retraining import judging, registry, release  # noqa: E402
from retraining.models import ModelVersion, Release  # noqa: E402
from tests.retraining.scenarios import judged, learn, make_champion, make_numeric_project, make_version  # noqa: E402


def main(rounds: int) -> None:
    settings.ARTIFACT_HOME.mkdir(parents=True, exist_ok=True)
    project = make_numeric_project("mail")
    learn(project, 5)
    make_champion(project)
    first, second = make_version(project), make_version(project)
    ends: Counter[str] = Counter()
    champions = set()
    for _ in range(rounds):
        both([lambda: promote(first), lambda: promote(second)], ends)
        champions.add(ModelVersion.objects.filter(project=project, stage="champion").count())
        live = registry.champion(project)
        assert live is not None
        project.refresh_from_db()
        assert project.champion_version == live.tag
        both([lambda live=live: roll_back(live)] * 2, ends)  # type: ignore[misc]
        for version in (first, second):
            judged(ModelVersion.objects.get(pk=version.pk))
    result = {"ends": ends, "champions": sorted(champions), "releases": Release.objects.count()}
    print(json.dumps({**result, "database": connection.vendor, "verdicts": judging.Judgement.objects.count()}))


def promote(version: ModelVersion) -> str:
    try:
        release.promote(version, by=None, reason="better", at=timezone.now())
    except release.VoidVerdict:
        return "void"
    return "promoted"


def roll_back(live: ModelVersion) -> str:
    release.roll_back(live.project, by=None, reason="worse", at=timezone.now(), expected=live.tag)
    return "rolled back"


def both(acts: list[Callable[[], str]], ends: Counter[str]) -> None:
    gate = threading.Barrier(len(acts), timeout=60)

    def act(do: Callable[[], str]) -> None:
        gate.wait()
        try:
            ends[do()] += 1
        except Exception as error:
            ends[f"{type(error).__name__}: {error}"] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(do,)) for do in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]))
