"""The page that merges, splits and renames labels: what it says before, what it does, and how far its job is."""

from typing import Any

import pytest
from django.utils import timezone

from annotation.models import LabelChange, Resolution
from jobs import execution
from projects.models import AuditEvent, LabelSchema, Project, Role
from tests.factories import NOW, make_item, make_prediction, make_project, make_user
from tests.settings_driver import SettingsTab

PATH = "/p/mail/settings/labels/change/"
MERGE = {"what": "merge", "sources": ["junk"], "targets": "spam"}


@pytest.fixture
def project(db: None) -> Project:
    made = make_project("mail", labels=("ham", "junk", "spam"))
    for value in ("junk", "junk", "ham"):
        Resolution.objects.create(
            project=made, item=make_item(made), value=value, method="single", quality=1, votes=1, resolved_at=NOW
        )
    return made


@pytest.fixture
def tab(client: Any, project: Project) -> SettingsTab:
    client.force_login(make_user("ann", project, Role.ENGINEER))
    made = SettingsTab(client, PATH)
    made.open()
    return made


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def end_job() -> LabelChange:
    change = LabelChange.objects.select_related("job").latest("pk")
    assert change.job is not None
    execution.run(change.job.pk)
    return LabelChange.objects.get(pk=change.pk)


def test_a_look_counts_what_a_merge_does_and_saves_nothing(tab: SettingsTab, project: Project) -> None:
    make_prediction(make_item(project, at=timezone.now()), [0.1, 0.9, 0.0], model_version="live-7")
    page = text(tab.look(**MERGE)).replace("\N{NO-BREAK SPACE}", " ")
    assert "2 items agreed as junk become spam" in page
    assert "<b>counts as spam</b>" in page
    assert "live-7 said junk 1 time in the last 7 days" in page
    assert "It counts as spam" in page
    assert "?truth=junk" in page
    assert LabelSchema.objects.count() == 1


def test_a_save_starts_a_job_and_the_page_shows_how_far_it_is(tab: SettingsTab) -> None:
    tab.look(**MERGE)
    assert tab.save(reason="one thing").status_code == 302
    assert "Waiting for a worker" in text(tab.open())
    assert end_job().resolutions == 2
    page = text(tab.open())
    assert "junk → spam" in page and "Undo merge junk → spam" in page
    assert AuditEvent.objects.get(action="labels.merge").details["reason"] == "one thing"


def test_the_fragment_is_the_list_of_changes(tab: SettingsTab) -> None:
    tab.look(**MERGE)
    tab.save()
    answer = tab.client.get(PATH, headers={"HX-Request": "true"})
    assert text(answer).startswith("<section") and "hx-trigger" in text(answer)


def test_a_save_sent_twice_is_one_change(tab: SettingsTab) -> None:
    tab.look(**MERGE)
    assert [tab.save().status_code for _ in range(2)] == [302, 302]
    assert LabelChange.objects.count() == 1


def test_a_change_is_undone_from_its_row(tab: SettingsTab) -> None:
    tab.look(**MERGE)
    tab.save()
    end_job()
    tab.open()
    tab.entries = {"undo": "2"}
    tab.hidden["base"] = tab.client.get(PATH).context["labels_base"]
    assert "go back" in text(tab.look())
    assert tab.save().status_code == 302
    end_job()
    assert sorted(Resolution.objects.current().values_list("value", flat=True)) == ["ham", "junk", "junk"]
    assert "undone by version 3" in text(tab.open())


def test_a_split_says_how_many_items_are_asked_again(tab: SettingsTab) -> None:
    page = text(tab.look(what="split", sources=["junk"], targets="advert\nphishing")).replace("\N{NO-BREAK SPACE}", " ")
    assert "2 items agreed as junk are asked again" in page


def test_what_cannot_be_is_refused_in_words_with_the_form_kept(tab: SettingsTab) -> None:
    answer = tab.look(what="rename", sources=["junk"], targets="spam")
    assert answer.status_code == 422
    assert "merge into it instead" in text(answer) and "spam</textarea>" in text(answer)


def test_an_old_tab_is_refused_and_nothing_is_written(tab: SettingsTab, project: Project) -> None:
    tab.look(**MERGE)
    labels = [{"value": value} for value in ("spam", "junk", "ham")]
    LabelSchema.objects.create(project=project, version=2, labels=labels, created_at=NOW)
    assert tab.save().status_code == 409
    assert not LabelChange.objects.exists()


def test_a_merged_label_stays_merged_when_the_page_of_labels_is_saved(tab: SettingsTab, client: Any) -> None:
    tab.look(**MERGE)
    tab.save()
    labels = SettingsTab(client, "/p/mail/settings/labels/")
    page = text(labels.open())
    assert "counts as spam" in page
    rows = [("ham", "Wanted"), ("junk", ""), ("spam", "")]
    labels.entries = {
        "was": [value for value, _ in rows],
        "value": [value for value, _ in rows],
        "title": [title for _, title in rows],
        "place": ["1", "2", "3"],
        "hint": [""] * 3,
        "key": [""] * 3,
        "colour": [""] * 3,
        "state": ["offered", "retired", "offered"],
    }
    labels.look()
    assert labels.save().status_code == 302
    assert Project.objects.get(slug="mail").schema().labels == [
        {"value": "ham", "title": "Wanted"},
        {"value": "junk", "retired": True, "merged_into": "spam"},
        {"value": "spam"},
    ]
    labels.open()
    assert "offered again by undoing that" in text(labels.look(state=["offered"] * 3))
