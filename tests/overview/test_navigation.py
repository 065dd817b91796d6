"""What stands around a page: places by role, counts in one query, the current place, the keys."""

import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import resolve, reverse

from analysis.models import Finding
from annotation import item_counts
from annotation.models import Cause, Queue, RoutedItem
from jobs.models import Job, JobState
from overview.navigation import Shell, short
from projects.models import Role
from tests.annotation import json_kind
from tests.factories import NOW, make_item, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return make_project("digits", title="Cheque digits", champion_version="v3")


@pytest.fixture
def shell_of(rf, project):
    def make(role, path="/p/digits/runs/", **fields):
        request = rf.get(path)
        request.user = make_user(f"a-{role}", project, role, **fields)
        request.project, request.role = project, Role(role)
        request.resolver_match = resolve(path)
        return Shell(request)

    return make


def names(shell):
    return [place.name for group in shell.groups for place in group.places]


def test_an_annotator_sees_the_desk_and_nothing_that_is_closed_to_them(shell_of):
    shell = shell_of("annotator")
    assert names(shell) == ["Desk", "Queues"]
    assert shell.search == ""


@pytest.mark.parametrize(
    ("role", "tabs"),
    [
        ("reviewer", ["Guideline", "Jobs"]),
        (
            "engineer",
            [
                "General",
                "Labels",
                "Side questions",
                "Guideline",
                "Inputs",
                "Costs",
                "Routing",
                "Retraining",
                "API keys",
                "Feedback keys",
                "ML backends",
                "Jobs",
            ],
        ),
        (
            "admin",
            [
                *("General", "Labels", "Side questions", "Guideline", "Inputs", "Costs", "Routing", "Retraining"),
                "Members",
                "API keys",
                "Feedback keys",
                "ML backends",
                "Webhooks",
                "Jobs",
                "Audit trail",
            ],
        ),
    ],
)
def test_settings_lead_to_the_first_tab_that_is_open(shell_of, role, tabs):
    shell = shell_of(role)
    assert [tab.name for tab in shell.settings] == tabs
    settings = shell.groups[-1].places[-1]
    assert (settings.name, settings.url) == ("Settings", shell.settings[0].url)


@pytest.mark.parametrize("name", ["projects:member-list", "projects:key-list", "jobs:job-list", "projects:audit"])
def test_the_tab_of_settings_that_is_open_is_marked(client, project, name):
    client.force_login(make_user("ada", project, "admin"))
    address = reverse(name, args=["digits"])
    page = client.get(address).content.decode()
    tabs = page.partition('<nav class="tabs"')[2].partition("</nav>")[0]
    assert re.findall(r'<a href="([^"]+)" aria-current="page">', tabs) == [address]


def test_groups_follow_the_loop(shell_of):
    shell = shell_of("engineer")
    assert [group.title for group in shell.groups] == ["", "Model in the world", "Labels", "Change", "Data"]
    assert names(shell)[:2] == ["Overview", "Performance"]
    assert "Compare" in names(shell), "captured versions are compared before any is trained here"


def test_the_current_place_is_the_page_or_the_list_above_it(shell_of):
    current = [place.name for group in shell_of("engineer").groups for place in group.places if place.current]
    assert current == ["Runs"]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("", "Overview"),
        ("runs/1/", "Runs"),
        ("runs/1/trained-on/", "Runs"),
        ("runs/new-to-learn-from/", "Runs"),
        ("compare/1/", "Compare"),
        ("compare/1/promote/", "Compare"),
        ("compare/cases/", "Compare"),
        ("queues/audit/", "Queues"),
        ("items/item_1/", "Items"),
        ("keys/create/", "Settings"),
        ("audit/verify/", "Settings"),
        ("members/invite/", "Settings"),
    ],
)
def test_a_page_below_another_and_an_answered_form_keep_their_place(shell_of, path, place):
    shell = shell_of("admin", f"/p/digits/{path}")
    assert [each.name for group in shell.groups for each in group.places if each.current] == [place]
    assert [tab.current for tab in shell.settings].count(True) == (1 if place == "Settings" else 0)


def test_counts_are_those_of_this_project_and_cost_one_query(shell_of, project, django_assert_num_queries):
    for place in (project, make_project("other")):
        item = make_item(place)
        queue = Queue.objects.create(project=place, slug="q", title="Q", cause=Cause.AUDIT, created_at=NOW)
        RoutedItem.objects.create(
            project=place,
            queue=queue,
            item=item,
            cause=Cause.AUDIT,
            reason="x",
            inclusion_probability=1,
            priority=1,
            routed_at=NOW,
        )
        Finding.objects.create(
            project=place,
            item=item,
            kind="label_error",
            key="x",
            given="a",
            suggested="b",
            score=0.1,
            expected=0.9,
            found_at=NOW,
        )
        Job.objects.create(kind="x", key=place.slug, project=place, state=JobState.DEAD, created_at=NOW, due_at=NOW)
    shell = shell_of("engineer")
    with django_assert_num_queries(1):
        counts = shell.counts
    assert counts == {"waiting": 1, "suspected": 1, "running": 0, "items": 1, "dead": 1, "review": 0}
    with django_assert_num_queries(0):
        assert {place.name: place.count for group in shell.groups for place in group.places if place.count} == {
            "Queues": "1",
            "Label quality": "1",
            "Items": "1",
        }


def test_nobody_has_an_empty_frame(rf, django_assert_num_queries):
    request = rf.get("/")
    request.user, request.resolver_match = AnonymousUser(), None
    with django_assert_num_queries(0):
        shell = Shell(request)
        assert (shell.groups, shell.projects, shell.chips, shell.search, shell.keymap) == ((), [], (), "", {})
        assert shell.installation == ()


def test_the_keys_are_the_persons_own(shell_of):
    shell = shell_of("engineer", keys={"undo": "z"})
    assert (shell.keymap["undo"], shell.caps["undo"], shell.caps["skip"]) == ("z", "Z", "Space")


def keys_dialog(client, address):
    page = client.get(address).content.decode().partition('<dialog id="keys"')[2].partition("</dialog>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize("page", ["desk/", "runs/"])
def test_the_list_of_keys_is_that_of_the_projects_labels(client, page):
    project = make_project("intents", labels=[f"intent {n}" for n in range(30)])
    client.force_login(make_user("emil", project, "engineer"))
    words = keys_dialog(client, f"/p/intents/{page}")
    assert "Answer with label 1 to 10 1 to 9 0 Answer with label 11 to 20 ⇧1 to ⇧9 ⇧0" in words
    assert "label 21 to 30: search for its name, then Enter" in words


def test_the_list_of_keys_names_no_answer_where_a_kind_has_none(client, settings):
    with json_kind.registered(settings):
        project = make_project("spans", kind="interval")
        client.force_login(make_user("emil", project, "engineer"))
        assert "Answer" not in keys_dialog(client, "/p/spans/runs/")


def test_settings_show_labels_only_where_answers_name_them(client, settings, project):
    client.force_login(make_user("emil", project, "engineer"))
    assert "settings/labels/" in client.get(f"/p/{project.slug}/settings/").content.decode()
    with json_kind.registered(settings):
        spans = make_project("spans", kind="interval")
        client.force_login(make_user("emma", spans, "engineer"))
        assert "settings/labels/" not in client.get("/p/spans/settings/").content.decode()
        assert client.get("/p/spans/settings/labels/").status_code == 404


def test_outside_a_project_the_list_of_keys_says_where_those_of_answers_are(client, project):
    client.force_login(make_user("emil", project, "engineer"))
    assert "On the desk each answer shows its key." in keys_dialog(client, "/account/")


def test_the_model_in_force_is_a_chip(shell_of):
    chip = shell_of("engineer").chips[0]
    assert (chip.name, chip.value) == ("Model", "v3 champion")


def test_items_that_were_counted_are_not_counted_again_until_they_are_among_the_newest(shell_of, project, monkeypatch):
    monkeypatch.setattr(item_counts, "COUNTED_AGAIN", 2)
    monkeypatch.setattr(item_counts, "_counted", {})
    request = shell_of("engineer").request
    for number in range(7):
        make_item(project, f"k{number}")
        assert Shell(request).counts["items"] == number + 1
    last, before = item_counts._counted[project.pk]
    assert before == project.items.filter(pk__lte=last).count() > 0
    assert item_counts.not_counted(project.pk)[0].filter(project=project).count() == 7 - before >= 2


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0"), (1_797, "1,797"), (9_999, "9,999"), (41_208, "41.2k"), (1_300_000, "1.3M")]
)
def test_counts_are_short(count, words):
    assert short(count) == words
