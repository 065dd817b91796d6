"""Every number on a page that is a link leads to a list of exactly so many items.

The walk opens each page, follows every link whose text is a count and whose target is a list, and compares the two.
Counts that lead to another page, also those of the navigation, are compared with what that page shows.
"""

import html
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis.reports import refreshing
from annotation import resolution
from annotation.models import Cause, Item, Prediction, RoutedItem, RoutedState
from jobs.models import Job, JobState
from projects.models import InputContract, Project, Role
from tests.analysis.scenarios import judged_project, make_finding, resolve, route
from tests.factories import make_item, make_prediction, make_user
from tests.retraining.conftest import artifact_home
from tests.retraining.scenarios import learn, make_champion, make_numeric_project, open_run, train
from tests.retraining.scenarios import resolve as resolve_here

__all__ = ["artifact_home"]  # a fixture
pytestmark = pytest.mark.django_db
LINK = re.compile(r'<a\b[^>]*\bhref="([^"]+)"[^>]*>(.*?)</a>', re.S)
COUNT = re.compile(r"^(?:n )?(\d[\d,]*)(?: [a-z].*)?$")
LISTS = re.compile(r"/items/\?|/trained-on/|/measured-with/|/new-to-|/compare/\d+/[a-z_]+/|/compare/cases/")
TOTAL = re.compile(r'<p class="answer">.*?(\d[\d,]*)', re.S)


def counts(body: str) -> Iterator[tuple[str, int]]:
    """Each link to a list whose text is a count."""
    main = body.partition("<main")[2].partition("</main>")[0]
    for url, inner in LINK.findall(main):
        words = " ".join(re.sub(r"<[^>]+>", " ", html.unescape(inner)).split())
        found = COUNT.match(words)
        if found and LISTS.search(url):
            yield html.unescape(url), int(found[1].replace(",", ""))


def walk(project: Project, *addresses: str) -> int:
    """Compare each count with its list; how many there were."""
    client = Client()
    client.force_login(make_user(project=project, role=Role.ENGINEER))
    seen = 0
    for address in addresses:
        page = client.get(address)
        assert page.status_code == 200, address
        for url, count in counts(page.content.decode()):
            target = url if url.startswith("/") else address.partition("?")[0] + url
            body = client.get(target).content.decode()
            total = TOTAL.search(body)
            assert total, target
            assert int(total[1].replace(",", "")) == count, f"{address} says {count}; {target} lists {total[1]}"
            seen += 1
    return seen


def address(project: Project, name: str, *arguments: Any, query: str = "") -> str:
    return reverse(name, args=[project.slug, *arguments]) + query


def test_the_walk_finds_counts_and_nothing_else() -> None:
    body = (
        '<main><a href="/p/x/items/?a=1&amp;b=2">1,240</a> <a href="/p/x/items/?a">n 20</a> <a href="/p/x/desk">3</a>'
        '<a href="/p/x/items/?a">0.98</a> <a href="/p/x/items/?b"><b>7</b> resolved labels</a></main>'
    )
    found = [("/p/x/items/?a=1&b=2", 1240), ("/p/x/items/?a", 20), ("/p/x/items/?b", 7)]
    assert list(counts(body)) == found


@pytest.mark.simulation
def test_counts_of_performance_are_those_of_their_lists() -> None:
    """A version that learnt from asked items is judged by the audit alone: seen were n 20 and a list of 30."""
    project, _ = judged_project(60, wrong=6)
    active = [make_item(project) for _ in range(12)]
    for item in active:
        make_prediction(item, [0.6, 0.4])
    route(project, active, Cause.UNCERTAIN, probability=1.0)
    for item in active:
        resolve(item, "ham")
    Prediction.objects.filter(item=active[-1]).update(out_of_sample=False)
    for item in active[:3]:
        make_prediction(item, [0.1, 0.9], model_version="router-7", source="rescored")
    Item.objects.filter(project=project).update(at=timezone.now() - timedelta(hours=3))
    refreshing.refresh(project, at=timezone.now())
    pages = [address(project, "analysis:performance", query=query) for query in ("", "?window=7", "?version=router-7")]
    compare = address(project, "retraining:compare-any", query="?version=router-7&against=v1")
    assert walk(project, *pages, compare, address(project, "overview:overview")) >= 15


def test_counts_of_runs_and_comparisons_are_those_of_their_lists(artifact_home: Any) -> None:  # noqa: F811
    project = make_numeric_project("mail")
    learn(project, 40)
    make_champion(project)
    learn(project, 60, evaluation=True, seed=1, noise=0.1, at=timezone.now())
    resolve_here(make_item(project, inputs={"x": 0.4, "y": 0.1}), "ham", at=timezone.now())
    train(project)
    learn(project, 3, at=timezone.now())
    learn(project, 2, evaluation=True, seed=4, at=timezone.now())
    open_run(project)
    pages = [
        address(project, "retraining:run-list"),
        address(project, "retraining:run", 1),
        address(project, "retraining:run", 2),
        address(project, "retraining:compare", 2),
        address(project, "overview:overview"),
    ]
    assert walk(project, *pages) >= 10


@pytest.mark.simulation
def test_counts_of_review_segments_and_single_labels_are_those_of_their_lists() -> None:
    project, items = judged_project(60, wrong=6)
    for place, item in enumerate(items):
        Item.objects.filter(pk=item.pk).update(segment={"channel": "app" if place < 25 else "web, mail & post"})
    InputContract.objects.filter(project=project).update(segments=["channel"])
    Item.objects.filter(project=project).update(at=timezone.now() - timedelta(hours=3))
    for item in items[-3:]:
        resolution.decide_no_label(item, reason="neither", by=make_user(f"r{item.pk}"), at=timezone.now())
    make_item(project, at=timezone.now())
    refreshing.refresh(project, at=timezone.now())
    names = ("annotation:review", "annotation:queue-list", "analysis:label-quality", "retraining:release-list")
    queries = ("?label=spam", "?label=ham&window=7", "?version=v1&window=1", "?segment=channel%3Dapp&window=7")
    pages = [address(project, "analysis:performance", query=query) for query in queries]
    assert walk(project, *pages) >= 15
    assert walk(project, *(address(project, name) for name in names)) >= 1


CARD = re.compile(r'<li\s+class="card')
LEFT_OUT = re.compile(r"(\d[\d,]*)\sitems?\s+(?:is|are)\s+left out")
WAITING = re.compile(r"<b>([\d,]+)\sitems?</b>\s+waits? in")
RUN_COUNT = re.compile(r'<span class="state">(?:waiting|running)')
JOB_STATE = re.compile(r'<span class="state[^"]*">(\w+)</span>')
NEW = re.compile(r"(\d[\d,]*)\sresolved labels?</a>")
ENDS_IN_COUNT = re.compile(r"(?:^|[^.\d])(\d[\d,]*)$")
NO_COUNT = re.compile(
    r"/items/item_|/runs/\d+/$|/go/|/performance/|/compare/\d+/$|/compare/\?|/releases/|/members/|[?&]window=\d+$"
)
"""Links whose text ends in a figure that counts nothing: names of items, runs, projects, versions and windows."""


def number_of(text: str) -> int:
    return int(text.replace(",", ""))


def cards(body: str) -> int:
    """Cards of a page with those that it says it leaves out."""
    return len(CARD.findall(body)) + sum(map(number_of, LEFT_OUT.findall(body)))


def jobs(body: str, *states: str) -> int:
    return sum(state in states for state in JOB_STATE.findall(body))


def new_labels(body: str) -> int:
    return sum(map(number_of, NEW.findall(body)))


BEHIND: tuple[tuple[str, Callable[[str], int]], ...] = (
    (r"/queues/$", lambda body: number_of((WAITING.search(body) or ["", "0"])[1])),
    (r"/queues/[\w-]+/#review$", cards),
    (r"/review/$", cards),
    (r"/items/$", lambda body: number_of((TOTAL.search(body) or ["", "0"])[1])),
    (r"/label-quality/$", cards),
    (r"/runs/$", lambda body: len(RUN_COUNT.findall(body))),
    (r"/jobs/$|\?view=dead$", lambda body: jobs(body, "dead")),
    (r"\?view=open$", lambda body: jobs(body, "queued", "running")),
)
"""Pages that are no list of items, each with what a count that leads to it counts there."""


def counts_that_are_no_items(body: str) -> Iterator[tuple[str, int]]:
    """Each link of a page and its navigation whose text ends in a whole number and whose target is no item list."""
    for url, inner in LINK.findall(body):
        words = " ".join(re.sub(r"<[^>]+>", " ", html.unescape(inner)).split())
        found = ENDS_IN_COUNT.search(words)
        if found and not LISTS.search(url) and not NO_COUNT.search(html.unescape(url)):
            yield html.unescape(url), number_of(found[1])


def behind(url: str) -> Callable[[str], int]:
    """How what a count leads to is counted on the page at this address."""
    found = next((count for pattern, count in BEHIND if re.search(pattern, url)), None)
    assert found, f"What a number counts that leads to {url} is not known here: add it to BEHIND or to NO_COUNT."
    return found


def walk_all(project: Project, *addresses: str) -> set[str]:
    """Compare each count of each page, also of the navigation, with what stands behind its link; where they led."""
    client = Client()
    client.force_login(make_user("walker", project=project, role=Role.ADMIN))
    compared: set[str] = set()
    for page in addresses:
        body = client.get(page).content.decode()
        for url, count in counts_that_are_no_items(body):
            target = url if url.startswith("/") else page.partition("?")[0] + url
            there = client.get(target.partition("#")[0]).content.decode()
            station = re.search(rf'<a[^>]*class="count[^>]*href="{re.escape(url)}"', body) and url.endswith("/runs/")
            shown = new_labels(there) if station else behind(url)(there)
            assert shown == count, f"{page} says {count}; {target} shows {shown}"
            compared.add(re.sub(r"^/p/[^/]+", "", target))
    return compared


PLACES = (
    "overview:overview",
    "annotation:desk",
    "annotation:queue-list",
    "annotation:review",
    "analysis:label-quality",
    "analysis:performance",
    "analysis:item-list",
    "retraining:run-list",
    "retraining:compare-any",
    "retraining:release-list",
    "projects:member-list",
    "projects:key-list",
    "jobs:webhook-list",
    "projects:audit",
    "jobs:job-list",
)


def busy_project() -> Project:
    """Something at every station: waiting, paused, disputed, suspected, dead and open jobs, new labels."""
    project, items = judged_project(60, wrong=6)
    now = timezone.now()
    Item.objects.filter(project=project).update(at=now - timedelta(hours=3))
    more = [make_item(project, at=now) for _ in range(12)]
    for item in more:
        make_prediction(item, [0.6, 0.4])
    route(project, more[:4], Cause.UNCERTAIN, probability=1.0)
    route(project, more[4:7], Cause.DRIFTED, probability=1.0)
    route(project, more[7:9], Cause.AUDIT, probability=0.5)
    route(project, more[9:11], Cause.DISPUTED, probability=1.0)
    RoutedItem.objects.filter(item=more[0]).update(state=RoutedState.REVIEW)
    project.queues.filter(cause=Cause.DRIFTED).update(paused=True)
    for item in items[:5]:
        make_finding(item, "ham", "spam")
    for number, state in enumerate([JobState.DEAD] * 3 + [JobState.QUEUED] * 2):
        Job.objects.create(
            kind="analysis.report", key=f"job {number}", project=project, state=state, created_at=now, due_at=now
        )
    return project


def test_counts_of_all_places_and_of_the_navigation_are_those_of_what_they_lead_to() -> None:
    project = busy_project()
    queues = [f"{address(project, 'annotation:queue-list')}{queue.slug}/" for queue in project.queues.all()]
    compared = walk_all(project, *(address(project, name) for name in PLACES), *queues)
    assert compared >= {"/queues/", "/review/", "/label-quality/", "/runs/", "/jobs/", "/jobs/?view=dead"}
    assert any(target.endswith("#review") for target in compared)


def test_no_count_of_a_page_leads_to_what_no_test_knows() -> None:
    with pytest.raises(AssertionError, match="add it to BEHIND"):
        behind("/p/mail/elsewhere/")
