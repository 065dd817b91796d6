"""Every page: at most 15 queries however much there is, whole for a browser and a fragment for htmx.

Pages are those that the walk over all routes finds, so that a new one is tested the day it is made.
"""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analysis.reports.refreshing import refresh_version
from jobs.models import Job, JobState
from projects import append_only
from projects.models import Project, Role, User
from tests.factories import NOW, make_item, make_prediction, make_user
from tests.test_guards import OF_INSTALLATION, OF_PROJECTS, ProjectPair, Route, pair, pair_rows

__all__ = ["pair", "pair_rows"]  # fixtures
MOST = 15
OF_THE_REQUEST = 2  # the session and its user, before the page's own
PAGES = {
    "desk",
    "queue-list",
    "queue",
    "overview",
    "performance",
    "label-quality",
    "exchange",
    "item-list",
    "item",
    "run-list",
    "run",
    "compare",
    "promote",
    "release-list",
    "job-list",
    "member-list",
    "key-list",
    "webhook-list",
    "webhook",
    "audit",
    "account",
    "health",
    "all-jobs",
    "home",
    "styleguide",
}

PARTS = {"desk-guideline"}  # addresses inside a page, only ever asked for by it


@pytest.fixture
def filled(pair: ProjectPair) -> ProjectPair:  # noqa: F811
    """The two projects with enough of everything that a query for each row would show."""
    own = Project.objects.get(slug="own")
    for number in range(MOST + 5):
        make_prediction(make_item(own, f"group-{number}"), [0.6, 0.4])
        make_user(f"group-{number}", own, Role.ANNOTATOR)
        Job.objects.create(
            kind="x.y", key=f"group-{number}", project=own, state=JobState.DEAD, created_at=NOW, due_at=NOW
        )
    refresh_version(own, "v1", at=NOW)
    return pair


def opened(pair: ProjectPair, route: Route, **headers: str) -> tuple[Any, list[str]]:  # noqa: F811
    with CaptureQueriesContext(connection) as queries:
        response = pair.people["root"].get(route.at(pair.own), headers=headers)
    frame = ("SAVEPOINT", "RELEASE", "BEGIN")
    return response, [query["sql"] for query in queries.captured_queries if not query["sql"].startswith(frame)]


def is_page(response: Any) -> bool:
    return response.status_code == 200 and response["Content-Type"].startswith("text/html")


def test_every_page_takes_few_queries_and_is_whole_or_a_fragment_as_asked(filled: ProjectPair) -> None:
    seen = set()
    for route in (*OF_PROJECTS, *OF_INSTALLATION):
        whole, asked = opened(filled, route)
        if not is_page(whole) or route.name in PARTS:
            continue
        seen.add(route.name)
        said = "\n".join(asked)
        assert len(asked) <= MOST + OF_THE_REQUEST, f"{route} takes {len(asked)} queries:\n{said}"
        part, _ = opened(filled, route, **{"HX-Request": "true"})
        boosted, _ = opened(filled, route, **{"HX-Request": "true", "HX-Boosted": "true"})
        assert b"<html" in whole.content and b'id="main"' in whole.content, f"{route} is no whole page"
        assert part.status_code == 200 and part.content.strip(), f"{route} is nothing as a fragment"
        assert b"<html" not in part.content, f"{route} is a whole page where htmx asks for a fragment"
        assert b"<html" in boosted.content, f"{route} is no whole page for a boosted link"
        assert "HX-Request" in whole["Vary"]
        assert all("no-store" in answer["Cache-Control"] for answer in (whole, part)), f"{route} may be kept by a cache"
    assert seen >= PAGES


def test_the_console_has_every_model_of_ours_and_shows_append_only_ones_read_only(rf: Any) -> None:
    request = rf.get("/admin/")
    request.user = User(username="root", is_superuser=True, is_active=True)
    for app in ("projects", "jobs", "annotation", "analysis", "retraining"):
        for model in apps.get_app_config(app).get_models():
            assert admin.site.is_registered(model), f"{model.__name__} is not in the console"
            if model._meta.db_table in append_only.TABLES:
                table = admin.site.get_model_admin(model)
                assert not table.has_add_permission(request), model.__name__
                assert not table.has_change_permission(request), model.__name__
                assert not table.has_delete_permission(request), model.__name__
                assert table.has_view_permission(request), model.__name__
