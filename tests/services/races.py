"""Two people at once, as threads with a connection each: python -m tests.services.races TRIES [RACE …].

Each race begins behind a barrier, so that both have looked before either writes where the code lets them.
"""

import itertools
import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from analysis import findings, relabel  # noqa: E402
from analysis.models import FindingKind  # noqa: E402
from annotation import answers, guidelines, labels, leases, queues, resolution  # noqa: E402
from annotation.capture import capture_rows  # noqa: E402
from annotation.models import Cause, Item, Lease, NoLabelDecision, Resolution  # noqa: E402
from projects import audit, invitations, members, specs  # noqa: E402
from projects.models import ApiKey, Membership, Project, Role, Scope, User  # noqa: E402
from projects.secrets import hashed  # noqa: E402
from tests.analysis.scenarios import make_finding  # noqa: E402
from tests.factories import make_item  # noqa: E402

NUMBERS = itertools.count()  # every try has names of its own
Act = Callable[[], object]
Race = Callable[[int], tuple[list[Act], Callable[[], object]]]
SPEC = {"title": "Mail", "kind": "choice", "labels": ["ham", "spam"], "inputs": {"text": {"type": "text"}}}


def run(race: Race, tries: int) -> dict[str, Any]:
    """How often each outcome of an act and each final state was seen."""
    acts, ends = Counter[str](), Counter[str]()
    for number in itertools.islice(NUMBERS, tries):
        both, end = race(number)
        for outcome in at_once(both):
            acts[outcome] += 1
        ends[str(end())] += 1
    return {"acts": acts, "ends": ends, "chain": audit.first_break()}


def at_once(acts: list[Act]) -> list[str]:
    barrier, outcomes = threading.Barrier(len(acts)), ["" for _ in acts]

    def do(place: int, act: Act) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(60)
            act()
            outcomes[place] = "done"
        except (members.MemberProblem, specs.BadSpec, guidelines.GuidelineProblem):
            outcomes[place] = "refused"
        except Exception as error:
            outcomes[place] = f"{type(error).__name__}: {error}"
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def project_with(number: int, *roles: Role) -> tuple[Project, list[User]]:
    project = specs.create_project(f"p-{number}", SPEC, by=None, at=timezone.now())
    people = []
    for place, role in enumerate(roles):
        person = members.create_user(f"person-{number}-{place}", by=None, at=timezone.now())
        Membership.objects.create(project=project, user=person, role=role, created_at=timezone.now())
        people.append(person)
    return project, people


def demote_each_other(number: int) -> tuple[list[Act], Callable[[], object]]:
    project, (ada, bo) = project_with(number, Role.ADMIN, Role.ADMIN)
    acts: list[Act] = [
        partial(members.set_role, project, whom, Role.ANNOTATOR, by=by, at=timezone.now())
        for by, whom in ((ada, bo), (bo, ada))
    ]
    return acts, lambda: project.memberships.filter(role=Role.ADMIN).count()


def remove_each_other(number: int) -> tuple[list[Act], Callable[[], object]]:
    project, (ada, bo) = project_with(number, Role.ADMIN, Role.ADMIN)
    acts: list[Act] = [
        partial(members.remove, project, whom, by=by, at=timezone.now()) for by, whom in ((ada, bo), (bo, ada))
    ]
    return acts, lambda: project.memberships.filter(role=Role.ADMIN).count()


def deactivate_each_other(number: int) -> tuple[list[Act], Callable[[], object]]:
    User.objects.filter(is_superuser=True).update(is_superuser=False)
    pair = [members.create_user(f"root-{number}-{i}", by=None, at=timezone.now(), superuser=True) for i in range(2)]

    def act(by: User, whom: User) -> None:
        client = Client(SERVER_NAME="localhost")
        client.force_login(by)
        fields = {"username": whom.username, "is_superuser": "on"}  # is_active is not sent: switched off
        client.post(f"/admin/projects/user/{whom.pk}/change/", fields)

    acts: list[Act] = [lambda: act(pair[0], pair[1]), lambda: act(pair[1], pair[0])]
    return acts, lambda: User.objects.filter(is_superuser=True, is_active=True).count()


def invite_one_name(number: int) -> tuple[list[Act], Callable[[], object]]:
    """Into two projects, whose locks do not exclude each other."""
    projects = [project_with(place, Role.ADMIN)[0] for place in (number, next(NUMBERS))]
    name = f"new-{number}"
    acts: list[Act] = [
        partial(invitations.invite, project, name, Role.REVIEWER, by=None, at=timezone.now()) for project in projects
    ]
    return acts, lambda: User.objects.filter(username=name).count()


def invite_twice(number: int) -> tuple[list[Act], Callable[[], object]]:
    """One form sent twice: both answers show the link."""
    project, _ = project_with(number, Role.ADMIN)
    name, secret = f"new-{number}", f"{number:043d}"
    acts: list[Act] = [
        lambda: invitations.invite(project, name, Role.REVIEWER, by=None, at=timezone.now(), secret=secret)
    ] * 2
    return acts, lambda: project.memberships.filter(user__username=name).count()


def take_one_slug(number: int) -> tuple[list[Act], Callable[[], object]]:
    slug = f"p-{number}"
    acts: list[Act] = [lambda: guidelines.create_project(slug, SPEC, by=None, at=timezone.now())] * 2
    return acts, lambda: Project.objects.filter(slug=slug).count()


def publish_a_guideline(number: int) -> tuple[list[Act], Callable[[], object]]:
    project, _ = project_with(number)
    acts: list[Act] = [
        partial(guidelines.publish, project, text=text, by=None, at=timezone.now()) for text in ("one", "two")
    ]
    return acts, lambda: sorted(project.guidelines.values_list("version", flat=True)) in ([1], [1, 2])


def make_one_key(number: int) -> tuple[list[Act], Callable[[], object]]:
    project, (ada,) = project_with(number, Role.ADMIN)
    acts: list[Act] = [
        lambda: members.create_key(project, ada, [Scope.READ], by=ada, at=timezone.now(), secret=f"{number:043d}")
    ] * 2
    return acts, lambda: project.api_keys.count()


def make_a_key_for_who_is_removed(number: int) -> tuple[list[Act], Callable[[], object]]:
    """No live key is left to somebody who is no member."""
    project, (_, bo) = project_with(number, Role.ADMIN, Role.ENGINEER)
    acts: list[Act] = [
        lambda: members.create_key(project, bo, [Scope.READ], by=bo, at=timezone.now()),
        lambda: members.remove(project, bo, by=None, at=timezone.now()),
    ]
    return acts, lambda: ApiKey.objects.filter(project=project, revoked_at=None).count()


def use_one_link(number: int) -> tuple[list[Act], Callable[[], object]]:
    ada = members.create_user(f"person-{number}", by=None, at=timezone.now())
    secret, found = members.new_link(ada, at=timezone.now()), []

    def act() -> None:
        found.append(members.use_link(secret, at=timezone.now()))

    return [act, act], lambda: (found.count(None), hashed(secret) != "")


def invite_and_change(number: int) -> tuple[list[Act], Callable[[], object]]:
    """An account is made, which takes the audit chain's lock, while a role changes, which takes the project's."""
    project, (_, bo) = project_with(number, Role.ADMIN, Role.ANNOTATOR)
    acts: list[Act] = [
        lambda: invitations.invite(project, f"new-{number}", Role.REVIEWER, by=None, at=timezone.now()),
        lambda: invitations.open_account(
            f"other-{number}", by=None, at=timezone.now(), project=project, role=Role.REVIEWER
        ),
        lambda: members.set_role(project, bo, Role.REVIEWER, by=None, at=timezone.now()),
    ]
    return acts, lambda: project.memberships.filter(role=Role.REVIEWER).count()


def decide_while_refreshing(number: int) -> tuple[list[Act], Callable[[], object]]:
    """The refresh updates, closes and opens findings while a reviewer decides about one and queues another."""
    project, (ruth,) = project_with(number, Role.REVIEWER)
    items = [make_item(project) for _ in range(3)]
    decided, queued, _ = rows = [make_finding(item, "ham", "spam") for item in items]

    def refresh() -> None:
        for found in ([], rows, []):
            again = [make_finding(row.item, "ham", "spam", save=False) for row in found]
            findings.store(project, FindingKind.LABEL_ERROR, again)

    acts: list[Act] = [
        refresh,
        lambda: findings.record_decision(decided, "kept", by=ruth, at=timezone.now()),
        lambda: relabel.queue_findings(project, [queued], by=ruth, at=timezone.now()),
    ]
    return acts, lambda: list(project.findings.order_by("pk").values_list("decision", flat=True))


def decide_one_dispute(number: int) -> tuple[list[Act], Callable[[], object]]:
    """Two reviewers at once: one gives a label, the other says that none fits."""
    project, reviewers = project_with(number, Role.REVIEWER, Role.REVIEWER)
    capture_rows(project, [{"key": "a", "inputs": {"text": "one"}}], at=timezone.now())
    item = Item.objects.get(project=project)
    asked = queues.Entry(item_id=item.pk, reason="x", numbers={}, inclusion_probability=1.0, priority=1.0)
    queues.add_entries(queues.ensure(project, Cause.DISPUTED, at=timezone.now()), [asked], at=timezone.now())

    def act(by: User, **fields: str) -> None:
        client = Client(SERVER_NAME="localhost")
        client.force_login(by, backend="django.contrib.auth.backends.ModelBackend")
        answer = client.post(f"/p/p-{number}/review/decide", {"item": item.uid, **fields})
        if answer.status_code == 409:
            raise members.MemberProblem("settled meanwhile")
        assert answer.status_code == 302, answer.status_code

    acts: list[Act] = [
        lambda: act(reviewers[0], value="ham"),
        lambda: act(reviewers[1], no_label="yes", why="no message"),
    ]

    def end() -> object:
        labels = Resolution.objects.current().filter(item=item).count()
        return labels + NoLabelDecision.objects.filter(item=item, withdrawn_at=None).count()

    return acts, end


def asked_of(number: int, *, overlap: int = 1) -> tuple[Project, list[User], list[Lease]]:
    """One item, leased by as many people as are to label it."""
    project, people = project_with(number, *[Role.ANNOTATOR] * overlap, Role.REVIEWER)
    capture_rows(project, [{"key": "a", "inputs": {"text": "one"}}], at=timezone.now())
    Project.objects.filter(pk=project.pk).update(overlap=overlap)
    project.refresh_from_db()
    item = Item.objects.get(project=project)
    asked = queues.Entry(item_id=item.pk, reason="x", numbers={}, inclusion_probability=1.0, priority=1.0)
    queues.add_entries(queues.ensure(project, Cause.SLICE, at=timezone.now()), [asked], at=timezone.now())
    given = [leases.claim(project, by=user, count=1, at=timezone.now())[0] for user in people[:overlap]]
    return project, people, given


def answer(lease: Lease, value: str) -> None:
    if labels.submit(lease.project, lease.token, value=value, by=lease.user, at=timezone.now()).status == "refused":
        raise members.MemberProblem("answered otherwise")


def answer_one_lease_in_two_ways(number: int) -> tuple[list[Act], Callable[[], object]]:
    _, _, (lease,) = asked_of(number)
    acts: list[Act] = [partial(answer, lease, value) for value in ("ham", "spam")]
    return acts, lambda: (lease.item.labels.count(), Resolution.objects.filter(item=lease.item_id).count())


def give_the_last_two_votes(number: int) -> tuple[list[Act], Callable[[], object]]:
    """Each may think that the other's vote is still to come."""
    _, _, given = asked_of(number, overlap=2)
    acts: list[Act] = [partial(answer, lease, "ham") for lease in given]
    return acts, lambda: Resolution.objects.current().filter(item=given[0].item_id, votes=2).count()


def undo_while_a_reviewer_decides(number: int) -> tuple[list[Act], Callable[[], object]]:
    project, (ann, ruth), (lease,) = asked_of(number)
    answer(lease, "ham")

    def undo() -> None:
        try:
            labels.undo(project, lease.token, by=ann, at=timezone.now())
        except answers.AnswerRefused:
            raise members.MemberProblem("decided meanwhile") from None

    acts: list[Act] = [
        undo,
        lambda: resolution.resolve_by_person(lease.item, value="spam", by=ruth, at=timezone.now()),
    ]
    return acts, lambda: list(Resolution.objects.current().filter(item=lease.item_id).values_list("value", flat=True))


def answer_while_a_reviewer_decides(number: int) -> tuple[list[Act], Callable[[], object]]:
    _, (_, ruth), (lease,) = asked_of(number)
    acts: list[Act] = [
        partial(answer, lease, "ham"),
        lambda: resolution.resolve_by_person(lease.item, value="spam", by=ruth, at=timezone.now()),
    ]
    return acts, lambda: list(Resolution.objects.current().filter(item=lease.item_id).values_list("value", flat=True))


def capture_one_key(number: int) -> tuple[list[Act], Callable[[], object]]:
    """One key with two bodies: the text that is searched is that of the body which is kept."""
    project, _ = project_with(number, Role.ADMIN)
    acts: list[Act] = [
        partial(capture_rows, project, [{"key": "a", "inputs": {"text": text}}], at=timezone.now())
        for text in ("one", "two")
    ]

    def end() -> object:
        item = Item.objects.select_related("search_text").get(project=project)
        return item.search_text.text == f"a\n{item.inputs['text']}"

    return acts, end


RACES: dict[str, Race] = {
    race.__name__: race
    for race in (
        demote_each_other,
        remove_each_other,
        deactivate_each_other,
        invite_one_name,
        invite_twice,
        take_one_slug,
        publish_a_guideline,
        make_one_key,
        make_a_key_for_who_is_removed,
        use_one_link,
        invite_and_change,
        decide_while_refreshing,
        decide_one_dispute,
        answer_one_lease_in_two_ways,
        give_the_last_two_votes,
        undo_while_a_reviewer_decides,
        answer_while_a_reviewer_decides,
        capture_one_key,
    )
}


def main(tries: int, *names: str) -> None:
    print(json.dumps({name: run(RACES[name], tries) for name in names or RACES}))


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
