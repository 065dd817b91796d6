"""Search finds values, in any script and with any character, and nothing else; these tests run on PostgreSQL too."""

import importlib
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse

from analysis import items
from analysis.item_filters import parse_filters
from annotation import capture, search, search_index, tasks
from annotation.models import Item, SearchText
from jobs import execution
from jobs.models import Job
from projects import members
from projects.models import Project
from tests.factories import NOW, make_item, make_project, make_user

pytestmark = pytest.mark.django_db
FILLS = "annotation.search"
KEYS = ("first", "second", "third", "fourth", "fifth")
INPUTS = {"text": {"type": "text"}, "channel": {"type": "category", "required": False}}
TEXTS = {
    "german": "Die Straße ist gesperrt",
    "russian": "Где моя карта?",
    "greek": "ΠΟΥ ΕΙΝΑΙ Η ΚΑΡΤΑ ΜΟΥ",
    "quotes": "She said \"no way\" and 'left'",
    "wildcards": r"100%_sure c:\temp",
    "accents": "Un café crème",
    "decomposed": "Une resume\u0301",
    "japanese": "カードはどこですか",
    "lines": "first line\nsecond line",
    "plain": "nothing else",
    "chinese": "账户余额是多少 shi",
}
QUERIES: list[tuple[str, set[str]]] = [
    ("strasse", {"german"}),
    ("STRAẞE", {"german"}),
    ("КАРТА", {"russian"}),
    ("που είναι", {"greek"}),
    ("που ειναι", {"greek"}),
    ('"no way"', {"quotes"}),
    ('said "no', {"quotes"}),
    ("'left'", {"quotes"}),
    ("100%_", {"wildcards"}),
    ("%", {"wildcards"}),
    ("_", {"wildcards"}),
    ("c:\\", {"wildcards"}),
    ("CAFÉ", {"accents"}),
    ("cafe\u0301", {"accents"}),
    ("cafe", {"accents"}),
    ("résumé", {"decomposed"}),
    ("resumé", {"decomposed"}),
    ("カード", {"japanese"}),
    ("余额", {"chinese"}),
    ("额", {"chinese"}),
    ("户余", {"chinese"}),
    ("额余", set()),
    ("余额 shi", {"chinese"}),
    ("line second", {"lines"}),
    ('"line second"', {"lines"}),
    ('"second first"', set()),
    ("nothing sperrt", set()),
    ("text", set()),
    ("channel", set()),
    ("app", set(TEXTS)),
    ("WILD", {"wildcards"}),
    ("   ", set(TEXTS)),
]
MALFORMED = [
    '"',
    '""',
    "*",
    "a*",
    "NEAR(a b, 2)",
    "text:card",
    "AND",
    "card OR -it",
    "'; --",
    "(",
    "^a",
    "\x01",
    "\udcff",
    "{a}",
]


@pytest.fixture
def project() -> Project:
    project = make_project(inputs=INPUTS)
    rows = [{"key": key, "inputs": {"text": text, "channel": "app"}} for key, text in TEXTS.items()]
    assert capture.capture_rows(project, rows, at=NOW).created == len(TEXTS)
    return project


def keys(project: Project, query: str) -> set[str]:
    found = items.select(project, parse_filters({"q": query}, project), at=NOW)
    return set(found.values_list("key", flat=True))


@pytest.mark.parametrize(("query", "found"), QUERIES)
def test_finds_what_people_see_and_nothing_else(project: Project, query: str, found: set[str]) -> None:
    assert keys(project, query) == found


def test_the_index_finds_the_same_whether_it_has_a_text_yet_or_not(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEW", 0)
    monkeypatch.setattr(search_index, "CHUNK", len(TEXTS) // 2)
    for waiting in (len(TEXTS), len(TEXTS) - len(TEXTS) // 2, 0):
        assert SearchText.objects.filter(indexed=False).count() == waiting
        assert {query: keys(project, query) for query, _ in QUERIES} == dict(QUERIES)
        search_index.index_chunk(project)
        if waiting < len(TEXTS):
            search_index.index_chunk(project)


def test_a_job_takes_in_what_waits_and_removed_items_leave_the_index(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEW", 0)
    SearchText.objects.filter(text__contains="creme").update(text="accents\nun café crème")
    tasks.index_what_waits(project, NOW)
    execution.run(Job.objects.get(kind=search_index.KIND).pk)
    assert not search_index.is_due(project)
    assert keys(project, "creme") == {"accents"}  # as a process of an older release wrote it
    Item.objects.filter(key="accents").delete()
    assert search_index.indexed_items(project, ["creme"], most=9) == []
    assert len(search_index.indexed_items(project, ["app"], most=99)) == len(TEXTS) - 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO annotation_searchindex(annotation_searchindex) VALUES ('integrity-check')")


def test_a_common_word_of_many_items_is_looked_for_in_the_order_of_the_page(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEW", 0)
    monkeypatch.setattr(items, "MOST_COUNTED", 4)
    search_index.index_chunk(project)
    for query in ("app", "p"):  # the index has no single letter
        selection = items.ItemSelection(project, parse_filters({"q": query}, project), NOW)
        assert selection.narrowed is None
        assert selection.count() == 4
        assert set(selection.matching().values_list("key", flat=True)) >= set(TEXTS)


@pytest.mark.parametrize("query", MALFORMED)
def test_takes_any_query_as_plain_text(project: Project, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    monkeypatch.setattr(search, "FEW", 0)
    search_index.index_chunk(project)
    browser = Client()
    browser.force_login(make_user("emil", project, "engineer"), backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.get(
        reverse("analysis:item-list", args=[project.slug]), {"q": query.encode(errors="surrogatepass")}
    )
    assert answer.status_code == 200


def test_finds_an_item_by_its_id_and_no_item_of_another_project(project: Project) -> None:
    uid = Item.objects.get(project=project, key="plain").uid
    other = make_project()
    capture.capture_rows(other, [{"key": "x", "inputs": {"text": "nothing"}}], at=NOW)
    assert keys(project, f" {uid} ") == {"plain"}
    assert keys(other, uid) == set()
    assert keys(project, "nothing") == {"plain"}


def test_the_page_and_the_api_search_alike(project: Project) -> None:
    browser = Client()
    browser.force_login(make_user("emil", project, "engineer"), backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.get(reverse("analysis:item-list", args=[project.slug]), {"q": "карта"})
    assert [row.key for row in answer.context["rows"]] == ["russian"]
    assert answer.context["total"] == 1

    _, secret = members.create_key(project, make_user("eve", project, "engineer"), ["read"], by=None, at=NOW)
    path, headers = f"/api/v1/projects/{project.slug}/items", {"Authorization": f"Bearer {secret}"}
    found = browser.get(path, {"q": "карта"}, headers=headers).json()["items"]
    assert [row["key"] for row in found] == ["russian"]


def test_a_key_that_comes_again_keeps_the_text_of_the_first(project: Project) -> None:
    again = {"key": "plain", "inputs": {"text": "something else"}}
    assert capture.capture_rows(project, [again], at=NOW).refused
    assert keys(project, "something") == set()
    assert SearchText.objects.count() == len(TEXTS)


@pytest.mark.simulation
@pytest.mark.django_db(transaction=True)
def test_the_migration_fills_what_was_captured_before() -> None:
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    project: Any = make_project(inputs=INPUTS)
    old = make_item(project, "old", inputs={"text": "Straße", "channel": None})
    try:
        executor.migrate([("annotation", "0007_audit_draws_only")])
    finally:
        MigrationExecutor(connection).migrate(newest)
    assert SearchText.objects.get(item=old).text == "old\nstrasse"
    assert keys(project, "STRASSE") == {"old"}


@pytest.mark.simulation
@pytest.mark.django_db(transaction=True)
def test_migrations_that_were_stopped_while_they_filled_it_go_on_when_begun_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    project: Any = make_project(inputs=INPUTS)
    for key in KEYS:
        make_item(project, key, inputs={"text": key, "channel": None})
    written: list[str] = []

    def killed_in_the_second_chunk(key: str, *_: Any) -> str:
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append(key)
        return key

    try:
        MigrationExecutor(connection).migrate([("annotation", "0007_audit_draws_only")])
        with monkeypatch.context() as stopped:
            module = importlib.import_module(FILLS)
            stopped.setattr(module, "CHUNK", 4)
            stopped.setattr(module, "search_text", killed_in_the_second_chunk)
            executor = MigrationExecutor(connection)
            with pytest.raises(KeyboardInterrupt):
                executor.migrate(newest)
    finally:
        MigrationExecutor(connection).migrate(newest)
    assert set(SearchText.objects.values_list("item__key", flat=True)) == set(KEYS)
    assert keys(project, "fifth") == {"fifth"}


def test_what_an_older_process_captured_during_an_upgrade_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    """It knew no search text and drew no audit; the periodic work does both, so many at once."""
    project = make_project(inputs=INPUTS)
    for number in range(5):
        make_item(project, f"late-{number}", inputs={"text": "Straße", "channel": None}, captured_at=NOW)
    monkeypatch.setattr(search, "CHUNK", 2)
    monkeypatch.setattr(search, "MOST_AT_ONCE", 3)
    assert keys(project, "strasse") == set()

    tasks.fill_search_text(project, NOW)

    assert len(keys(project, "strasse")) == 3
    assert not Item.objects.filter(project=project, audit_probability=None).exists()
    tasks.fill_search_text(project, NOW)
    assert len(keys(project, "strasse")) == 5
