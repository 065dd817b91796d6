"""The page of the guideline: shown before it is published, versions, differences, items as examples."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotation import guidelines
from annotation.guideline_examples import UnusableExample
from annotation.markdown_html import guideline_html
from annotation.models import Guideline, Media, RoutedItem
from projects.models import AuditEvent, Role
from tests.factories import NOW, make_item, make_project, make_user
from tests.pictures import grey
from tests.settings_driver import SettingsTab

FIRST = "# Rules\n\nMark **spam**."
SECOND = "# Rules\n\nMark **junk**."


@pytest.fixture
def project(db):
    return make_project("mail")


@pytest.fixture
def reviewer(project):
    return make_user("rob", project, Role.REVIEWER)


@pytest.fixture
def tab(client, project, reviewer):
    guidelines.publish(project, text=FIRST, by=reviewer, at=NOW)
    client.force_login(reviewer)
    made = SettingsTab(client, "/p/mail/settings/guideline/")
    made.open()
    return made


def test_it_is_shown_as_people_will_see_it_with_the_words_that_change(tab):
    page = tab.look(text=SECOND).content.decode()
    assert "<del>spam</del><ins>junk</ins>" in page
    assert "<strong>junk</strong>" in page
    assert Guideline.objects.count() == 1


def test_it_is_published_as_a_version_with_who_and_why(tab, reviewer):
    tab.look(text=SECOND.replace("\n", "\r\n"))
    assert [tab.save(reason="clearer").status_code for _ in range(2)] == [302, 302]
    made = Guideline.objects.get(version=2)
    assert (made.text, made.reason, made.created_by) == (SECOND, "clearer", reviewer)
    assert AuditEvent.objects.filter(action="guideline.publish", details__reason="clearer").count() == 1


def test_an_edit_of_an_older_version_is_refused_and_kept(tab, project):
    tab.look(text=SECOND)
    guidelines.publish(project, text="Something else", by=None, at=NOW)
    refused = tab.save()
    assert refused.status_code == 409
    assert "Mark **junk**." in refused.content.decode()
    assert guidelines.version(project) == 2


def test_any_two_versions_can_be_compared(tab, project, client):
    guidelines.publish(project, text=SECOND, by=None, at=NOW)
    page = client.get(tab.path, {"from": "1", "to": "2"}).content.decode()
    assert "<del>spam</del><ins>junk</ins>" in page


@pytest.mark.parametrize("query", [{"from": "1", "to": "9"}, {"from": "x", "to": "1"}, {"from": "9" * 30, "to": "1"}])
def test_a_version_that_is_not_there_is_404(tab, client, query):
    assert client.get(tab.path, query).status_code == 404


def test_annotators_do_not_change_it(client, project):
    client.force_login(make_user("amy", project, Role.ANNOTATOR))
    assert client.post("/p/mail/settings/guideline/", {"text": "x", "act": "save"}).status_code == 403


def test_an_item_stands_in_it_as_an_example_with_nothing_of_its_text_interpreted(tab, project, client, reviewer):
    item = make_item(project, inputs={"text": "win **money** <script>"})
    page = tab.look(text=f"Spam:\n\n![asks for money](item:{item.uid})").content.decode()
    assert "<em>asks for money</em>" in page
    assert "win **money**" in page
    assert "<script>" not in page.partition("How will people see it?")[2]
    tab.save()
    assert "win **money**" in client.get("/p/mail/desk/").content.decode()


def test_an_image_of_the_project_is_shown_and_one_from_elsewhere_is_not():
    inside = "/p/mail/media/" + "a" * 64
    made = guideline_html(f"![torn]({inside}) ![far](https://example.com/x.png) ![data](data:image/png;base64,AA)")
    assert f'src="{inside}"' in made
    assert "example.com" not in made
    assert "data:" not in made
    assert made.count("<img") == 1


def test_an_item_that_models_are_measured_on_is_no_example(tab, project):
    queue = project.queues.create(slug="audit", title="Audit", cause="audit", order="random", created_at=NOW)
    item = make_item(project)
    RoutedItem.objects.create(
        project=project,
        queue=queue,
        item=item,
        cause="audit",
        reason="drawn",
        inclusion_probability=0.5,
        evaluation=True,
        priority=1,
        routed_at=NOW,
    )
    with pytest.raises(UnusableExample, match="measured"):
        guidelines.publish(project, text=f"![one](item:{item.uid})", by=None, at=NOW)
    assert tab.look(text=f"![one](item:{item.uid})").status_code == 422
    assert tab.look(text="![one](item:item_nowhere)").status_code == 422


@pytest.fixture
def media_home(settings, tmp_path):
    settings.MEDIA_HOME = tmp_path
    return tmp_path


def upload(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="image/png")


def test_an_uploaded_image_is_shown_before_the_text_is_saved_and_beside_every_item(tab, project, client, media_home):
    page = tab.look(text=SECOND, images=[upload("torn [corner].png", grey())]).content.decode()
    image = Media.objects.get(project=project)
    assert f"![torn  corner](image:{image.sha256})" in page
    assert f'src="/p/mail/media/{image.sha256}"' in page
    assert Guideline.objects.count() == 1
    text = f"{SECOND}\n\n![torn corner](image:{image.sha256})"
    tab.entries.pop("images")
    tab.look(text=text)
    assert tab.save().status_code == 302
    assert guidelines.text_of(guidelines.current(project)) == text
    assert f'src="/p/mail/media/{image.sha256}"' in client.get("/p/mail/desk/").content.decode()
    assert client.get(f"/p/mail/media/{image.sha256}").status_code == 200


def test_an_image_of_a_guideline_is_closed_to_others(tab, project, client, media_home):
    tab.look(text=SECOND, images=[upload("a.png", grey())])
    image = Media.objects.get(project=project)
    client.force_login(make_user("olga", make_project("other"), Role.ADMIN))
    assert client.get(f"/p/mail/media/{image.sha256}").status_code == 404
    assert client.get(f"/p/other/media/{image.sha256}").status_code == 404


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("notes.png", b"no image")], "notes.png is no image"),
        ([("big.png", b"x" * (5 * 2**20 + 1))], "an image takes at most 5,242,880"),
        ([("a.png", b"x")] * 11, "at most 10 images"),
    ],
)
def test_what_is_no_image_or_too_large_is_refused_and_the_text_kept(tab, project, media_home, files, words):
    answer = tab.look(text=SECOND, images=[upload(*file) for file in files])
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page and "Mark **junk**." in page
    assert not Media.objects.filter(project=project).exists()


def test_a_guideline_names_no_image_that_is_not_here(project):
    with pytest.raises(UnusableExample, match="upload it again"):
        guidelines.publish(project, text=f"![x](image:{'0' * 64})", by=None, at=NOW)
