"""Errors: slices in words, each figure a link to exactly its items, new since the change, drawn into a queue once."""

import html
import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from msgspec.structs import replace

from analysis.changes import find_change
from analysis.error_slices import ErrorSlice
from analysis.evaluation_design import AS_SERVED
from analysis.item_conditions import input_condition
from analysis.item_filters import Filters
from analysis.metrics.core.stored import StoredEstimate
from analysis.metrics.slices.conditions import axes
from analysis.models import SavedView
from analysis.reports import refreshing
from analysis.reports.kinds import errors
from analysis.reports.kinds.errors import ErrorsBody
from analysis.reports.stored import newest
from analysis.samples import live
from analysis.slice_filters import filters_of
from analysis.slice_queues import queue_slice
from analysis.views import errors as errors_view
from annotation import media
from annotation.models import Cause, Item, Queue, RoutedItem
from projects.models import Project, User
from tests.analysis.scenarios import resolve, route
from tests.factories import make_item, make_prediction, make_project, make_user
from tests.test_numbers import walk

pytestmark = pytest.mark.django_db
N, CHANGE = 120, 70  # labelled items, of which those from the 70th on are wrong in one slice


def body(project: Project) -> ErrorsBody:
    found = newest(project, errors.KIND)
    assert found is not None
    return found.body


def browser(user: User) -> Client:
    made = Client()
    made.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return made


@pytest.fixture
def stand() -> tuple[Project, User]:
    """v1 is wrong about every case from the app since the change, and seldom else; 30 more cases have no label."""
    inputs = {"text": {"type": "text"}, "amount": {"type": "number"}, "vip": {"type": "boolean"}}
    project = make_project(inputs=inputs, champion_version="v1")
    begin, items = timezone.now() - timedelta(days=9), []
    for n in range(N + 30):
        app, large = n % 3 == 0, n % 2 == 0
        words = f"{'refund' if n % 5 == 0 else 'please'} case {n} {'refunded' if n % 7 == 0 else ''}"
        given = {"text": words, "amount": 60.5 + n % 9 if large else 10.25 + n % 11, "vip": n % 4 == 0}
        at = begin + timedelta(hours=n)
        item = make_item(project, f"k{n:03}", inputs=given, at=at, segment={"channel": "app" if app else "web"})
        make_prediction(item, [0.9, 0.1] if n % 2 else [0.2, 0.8], model_version="v1", at=at)
        items.append(item)
    route(project, items[:N], Cause.AUDIT, probability=0.5)
    for n, item in enumerate(items[:N]):
        said = "ham" if n % 2 else "spam"
        wrong = n % 29 == 0 or (n >= CHANGE and n % 3 == 0)
        resolve(item, {"ham": "spam", "spam": "ham"}[said] if wrong else said, evaluation=True)
    refreshing.refresh(project, at=timezone.now())
    return project, make_user("emil", project, "engineer")


def test_the_slice_is_named_new_and_its_figures_are_those_of_their_lists(stand: Any) -> None:
    project, emil = stand
    found = body(project)
    assert found.change is not None and found.found is not None
    one = found.found.slices[0]
    assert (one.rule, one.is_new, one.filters) == ("channel is app", True, [("segment", "channel=app")])
    assert one.n == 40 and one.before is not None and one.after is not None
    assert (one.before.value or 0) < 0.2 < 0.9 < (one.after.value or 0)
    assert (one.lift.low or 0) > 1
    url = reverse("analysis:errors", args=[project.slug])
    assert walk(project, url, f"{url}?window=28") >= 6
    page = browser(emil).get(url).content.decode()
    assert "Channel is app" in page and "new since" in page


def test_overview_performance_and_errors_show_the_same_parts_which_add_up_with_those_of_the_segment(stand: Any) -> None:
    project, emil = stand
    found = body(project)
    assert found.change is not None and found.explanation is not None
    parts = found.explanation
    total = sum(one.value or 0.0 for one in (parts.mix, parts.inputs, parts.rest, parts.unseen))
    assert total == pytest.approx(found.change.difference.value or 0.0, abs=1e-6)
    assert parts.mix.value == pytest.approx(found.change.mix, abs=1e-6)
    segments = sum(one.contribution for one in found.change.values)
    assert segments + found.change.mix == pytest.approx(total, abs=1e-6)
    visitor = browser(emil)
    names = ("overview:overview", "analysis:performance", "analysis:errors")
    shown = [visitor.get(reverse(name, args=[project.slug])).context["part_rows"] for name in names]
    assert shown[0] and shown[0] == shown[1] == shown[2]
    first = visitor.get(reverse("overview:overview", args=[project.slug])).content.decode()
    assert reverse("analysis:errors", args=[project.slug]) in first


@pytest.mark.parametrize(
    ("confirmed", "said"),
    [
        ([True, True], "2 slices are clearly worse than the average of 30 %."),
        ([False], "1 slice is worse than the average of 30 %; the other half of the labels does not confirm it."),
        ([True, False], "worse than the average of 30 %; the other half of the labels confirms 1 of them."),
    ],
)
def test_only_what_the_other_half_confirms_is_called_clear(confirmed: list[bool], said: str) -> None:
    """Seen: "1 slice is clearly worse" above a row that said "does not confirm"."""
    rate = StoredEstimate(0.3, 0.2, 0.4, 100)
    one = ErrorSlice("r", [], 20, 12, rate, rate, 0.4, 0.01, True, None)
    rows = [errors_view.ErrorSliceRow(replace(one, confirmed=agrees), "r", "", "", "", []) for agrees in confirmed]
    found = {"body": {"found": {"error_rate": rate}}, "rows": rows, "confirmed": sum(confirmed)}
    page = render_to_string("analysis/slice_table.html", found).replace("\u00a0", " ").split('class="reading"')[1]
    assert said in " ".join(page.split()) and ("clearly" in page) == all(confirmed)


def test_the_note_says_which_labels_and_answers_count_and_what_the_other_half_says(stand: Any) -> None:
    project, emil = stand
    page = browser(emil).get(reverse("analysis:errors", args=[project.slug]))
    note = " ".join(page.content.decode().split('<p class="note">')[1].split())
    assert "“does not confirm” that" in note and "“not asked” that" in note
    assert "whichever version gave it; Performance counts the answers of one version" in note
    assert page.context["confirmed"] == sum(row.found.confirmed is True for row in page.context["rows"])


def test_a_change_within_a_batch_of_one_time_has_the_same_sides_by_row_and_by_time() -> None:
    """Seen: the explanation counted rows, the slices times: a batch that was sent without times shares one."""
    project = make_project(inputs={"amount": {"type": "number"}}, champion_version="v1")
    begin, items = timezone.now() - timedelta(days=9), []
    for n in range(120):
        at = begin + timedelta(hours=n // 30)
        items.append(make_item(project, f"k{n:03}", inputs={"amount": float(n)}, at=at))
        make_prediction(items[-1], [0.9, 0.1], model_version="v1", at=at)
    route(project, items, Cause.AUDIT, probability=1.0)
    for n, item in enumerate(items):
        resolve(item, "spam" if n >= CHANGE or n % 29 == 0 else "ham", evaluation=True)
    sample = live(project, AS_SERVED, at=timezone.now())
    found = find_change(project, sample)
    assert found is not None and found.before.n + found.after.n == 120
    by_time = np.array([moment.timestamp() >= found.at for moment in sample.at])
    assert by_time.tolist() == (np.arange(120) >= found.row).tolist() and found.row in (60, 90)


def links_of(answer: Any, words: str) -> list[str]:
    """The addresses of the links of a page with these words."""
    found = re.findall(r'<a\b[^>]*?href="([^"]+)"[^>]*>(.*?)</a>', answer.content.decode(), re.S)
    return [html.unescape(url) for url, text in found if words in " ".join(text.split())]


def test_from_overview_to_the_cases_and_to_people_in_three_clicks(stand: Any) -> None:
    """My model got worse last week: since when, where, why, and what do I do?"""
    project, emil = stand
    visitor = browser(emil)
    overview = visitor.get(reverse("overview:overview", args=[project.slug]))
    said = html.unescape(re.sub(r"<[^>]+>", "", overview.content.decode().split('id="said"')[1].split("</span>\n")[0]))
    assert "fell" in said
    (why, *_) = links_of(overview, "where and why")
    errors_page = visitor.get(why)  # the first click: segment, parts, inputs, and what labels cost
    text = errors_page.content.decode()
    assert "channel is app" in text and "What explains the change" in text and "Which inputs moved" in text
    assert "narrow its interval from" in text
    (cases, *_) = links_of(errors_page, "channel is app")
    assert visitor.get(cases).context["total"] == errors_page.context["rows"][0].found.n  # the second
    form = dict(errors_page.context["rows"][0].hidden) | {"rule": "channel is app"}
    queued = visitor.post(reverse("analysis:errors-queue", args=[project.slug]), form, follow=True)  # the third
    assert queued.context["total"] == 10
    assert RoutedItem.objects.filter(item__project=project, state="open", queue__cause=Cause.SLICE).count() == 10


def test_a_steady_model_has_no_change_no_parts_and_no_slice() -> None:
    project = make_project(inputs={"amount": {"type": "number"}}, champion_version="v1")
    begin, rng = timezone.now() - timedelta(days=9), np.random.default_rng(5)
    items = [
        make_item(project, f"k{n:03}", inputs={"amount": float(rng.normal())}, at=begin + timedelta(hours=n))
        for n in range(100)
    ]
    for n, item in enumerate(items):
        make_prediction(item, [0.9, 0.1] if n % 2 else [0.2, 0.8], model_version="v1", at=item.at)
    route(project, items, Cause.AUDIT, probability=0.5)
    for n, item in enumerate(items):
        said = "ham" if n % 2 else "spam"
        resolve(item, {"ham": "spam", "spam": "ham"}[said] if n % 10 == 4 else said, evaluation=True)
    refreshing.refresh(project, at=timezone.now())
    found = body(project)
    assert (found.change, found.moved, found.explanation) == (None, None, None)
    answer = browser(make_user("emil", project, "engineer")).get(reverse("analysis:errors", args=[project.slug]))
    assert "before, since" not in answer.content.decode().lower()
    if found.found and found.found.slices:  # the predicted label is a condition too, and 10 % of one label are wrong
        assert {one.before for one in found.found.slices} == {None}


def test_the_page_takes_few_queries(stand: Any, django_assert_max_num_queries: Any) -> None:
    project, emil = stand
    visitor = browser(emil)
    with django_assert_max_num_queries(15 + 2):  # session and user come before the page's own
        assert visitor.get(reverse("analysis:errors", args=[project.slug])).status_code == 200


def test_a_slice_becomes_a_queue_of_items_drawn_with_a_known_chance_and_only_once(stand: Any) -> None:
    project, emil = stand
    visitor, url = browser(emil), reverse("analysis:errors", args=[project.slug])
    form = dict(visitor.get(url).context["rows"][0].hidden) | {"rule": "channel is app"}
    address = reverse("analysis:errors-queue", args=[project.slug])
    answer = visitor.post(address, form)
    queue = Queue.objects.get(project=project, cause=Cause.SLICE)
    assert answer.status_code == 302 and queue.slug in answer["Location"]
    drawn = RoutedItem.objects.filter(queue=queue)
    assert {one.item.segment["channel"] for one in drawn} == {"app"}
    assert {one.inclusion_probability for one in drawn} == {1.0} and drawn.count() == 10  # all that have no label
    again = visitor.post(address, form)
    assert again.status_code == 422 and "wait already" in again.content.decode()
    assert Queue.objects.filter(project=project, cause=Cause.SLICE).count() == 1
    assert visitor.get(url).context["rows"][0].queue_url


def test_a_draw_is_uniform_and_records_its_chance(stand: Any) -> None:
    project, emil = stand
    made = queue_slice(
        project, Filters(resolved="no"), title="T", words="all", count=6, by=emil, at=timezone.now(), seed=4
    )
    entries = RoutedItem.objects.filter(queue=made.queue)
    assert (made.drawn, made.candidates) == (6, 30)
    assert {one.inclusion_probability for one in entries} == {0.2}
    assert {one.reason for one in entries} == {"slice: all; drawn at random, 6 of 30"}


def test_a_slice_becomes_a_saved_view(stand: Any) -> None:
    project, emil = stand
    row = browser(emil).get(reverse("analysis:errors", args=[project.slug])).context["rows"][0]
    form = dict(row.found.filters) | {"name": row.found.rule}
    browser(emil).post(reverse("analysis:item-view-save", args=[project.slug]), form)
    assert SavedView.objects.get(project=project).query == "segment=channel%3Dapp"


@pytest.mark.parametrize("form", [{"segment": "x", "rule": "r"}, {"says": "egg", "rule": "r"}, {"truth": "ham"}])
def test_what_no_slice_is_is_refused_in_words(stand: Any, form: dict[str, str]) -> None:
    project, emil = stand
    answer = browser(emil).post(reverse("analysis:errors-queue", args=[project.slug]), form)
    assert answer.status_code == 422
    assert not Queue.objects.filter(project=project, cause=Cause.SLICE).exists()


def test_an_annotator_sees_no_button_and_may_not_draw(stand: Any) -> None:
    project, _ = stand
    ruth = browser(make_user("ruth", project, "reviewer"))
    assert "before people</button>" not in ruth.get(reverse("analysis:errors", args=[project.slug])).content.decode()
    assert ruth.post(reverse("analysis:errors-queue", args=[project.slug]), {"rule": "r"}).status_code == 403


@pytest.mark.parametrize("kind", ["number", "boolean", "term", "period", "missing", "values"])
def test_every_kind_of_condition_lists_exactly_the_rows_that_meet_it(kind: str) -> None:
    """What the scan counts by arrays the list finds by the database."""
    inputs: dict[str, Any] = {
        "amount": {"type": "number", "required": False},
        "vip": {"type": "boolean", "required": False},
        "text": {"type": "text", "required": False},
        "opened": {"type": "time", "required": False},
        "country": {"type": "category", "required": False},
    }
    project = make_project(inputs=inputs)
    rng = np.random.default_rng(7)
    for n in range(90):
        given: dict[str, Any] = {
            "amount": float(rng.normal()),
            "vip": bool(rng.random() < 0.5),
            "text": " ".join(rng.choice(["Refund", "refunds", "pre-refund", "late", "card_no", "late!"], 2)),
            "opened": f"2026-{rng.integers(1, 12):02}-{rng.integers(1, 28):02}T0{rng.integers(0, 9)}:00:00Z",
            "country": str(rng.choice(["DE", "FR", "I T"])),
        }
        make_item(project, f"k{n}", inputs={k: v for k, v in given.items() if rng.random() < 0.8})
    name = {"number": "amount", "boolean": "vip", "term": "text", "period": "opened"}.get(kind, "country")
    name = "amount" if kind == "missing" else name
    types = project.contract().types()
    items = list(Item.objects.filter(project=project).order_by("pk"))
    column = media.columns(project, [item.inputs for item in items], types)[name]
    (axis,) = axes({name: column}, types=types, min_rows=3)
    conditions = [one for one in axis.conditions if (one.kind == "missing") == (kind == "missing")]
    assert conditions
    for condition in conditions[:20]:
        pairs = filters_of([condition], {name: ("input", name)})
        assert pairs is not None
        found = Item.objects.filter(input_condition(pairs[0][1], types), project=project)
        met = condition.matching_rows(np.asarray(column, dtype=object))
        expected = {item.key for item, inside in zip(items, met, strict=True) if inside}
        assert set(found.values_list("key", flat=True)) == expected, condition.words()
