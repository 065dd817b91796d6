"""The commands that make an installation one's own: what they print, and one clear line for what does not fit."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from annotation.models import Guideline
from projects import append_only, audit, specs
from projects.models import ApiKey, AuditEvent, Membership, Project, User
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db
SPEC: dict[str, Any] = {
    "title": "Mail",
    "kind": "choice",
    "labels": ["ham", "spam"],
    "inputs": {"text": {"type": "text"}},
}


def run(name: str, *args: str) -> str:
    out = io.StringIO()
    call_command(name, *args, stdout=out)
    return out.getvalue().strip()


def refused(name: str, *args: str) -> str:
    with pytest.raises(CommandError) as caught:
        run(name, *args)
    words = str(caught.value)
    assert "\n" not in words and "Traceback" not in words
    return words


class TestCreateProject:
    def create(self, tmp_path: Path, spec: Any, *more: str) -> str:
        file = tmp_path / "spec.json"
        file.write_bytes(spec if isinstance(spec, bytes) else json.dumps(spec).encode())
        return run("create_project", "mail", "--spec", str(file), *more)

    def test_makes_the_project_of_the_spec(self, tmp_path: Path) -> None:
        said = self.create(tmp_path, SPEC)
        assert said.startswith(
            "Project mail is made: 2 labels, 1 input. Nobody can open it yet: ./plumbline create_user"
        )
        project = Project.objects.get(slug="mail")
        assert (project.schema().values(), project.contract().types()) == (["ham", "spam"], {"text": "text"})
        assert AuditEvent.objects.get(action="project.create").target == "mail"

    def test_puts_the_guideline_of_the_spec_in_force(self, tmp_path: Path) -> None:
        self.create(tmp_path, {**SPEC, "guideline": "# Be sure"})
        assert Guideline.objects.values_list("project__slug", "version", "text").get() == ("mail", 1, "# Be sure")

    def test_reads_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(SPEC)))
        result = json.loads(run("create_project", "mail", "--spec", "-", "--json"))
        assert result == {"slug": "mail", "labels": 2, "inputs": 1, "admins": []}

    def test_is_administered_by_who_administers_the_installation(self, tmp_path: Path) -> None:
        make_user("root", is_superuser=True)
        make_user("asleep", is_superuser=True, is_active=False)
        said = self.create(tmp_path, SPEC)
        assert "Administered by root." in said
        assert Membership.objects.values_list("user__username", "role").get() == ("root", "admin")
        command = said.split("./plumbline ")[1].split()
        assert run(*command).startswith("plumb_")

    def test_is_administered_by_who_is_named_and_made_where_missing(self, tmp_path: Path) -> None:
        make_user("root", is_superuser=True)
        result = json.loads(self.create(tmp_path, SPEC, "--admin", "ada", "--json"))
        assert result["admins"] == ["ada"]
        assert run("sign_in_link", "ada").startswith("http://127.0.0.1:8000/sign-in/")

    def test_makes_nothing_where_the_name_cannot_be_one(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="Enter a valid username"):
            self.create(tmp_path, SPEC, "--admin", "a b")
        assert not Project.objects.exists() and not User.objects.exists()

    @pytest.mark.parametrize(
        ("spec", "words"),
        [
            (b"{", "The spec is not JSON"),
            (b"\xff\xfe", "is not text in UTF-8"),
            (b"[" * 200_000, "nested too deeply"),
            (b'{"overlap": ' + b"9" * 5000 + b"}", "The spec is not JSON"),
            (["a"], "A spec is one JSON object."),
            ({**SPEC, "colour": "red"}, "Unknown field colour"),
            ({**SPEC, "title": ""}, "title takes 1 to 120 characters on one line."),
            ({**SPEC, "title": "a\x00"}, "A spec holds no NUL character"),
            (
                {**SPEC, "kind": "banana"},
                "kind is 'banana'; this version takes boxes, choice, choices, pair, ranking, rating, spans, text.",
            ),
            ({**SPEC, "labels": ["ham"]}, "labels takes a list of 2 to 1,000 labels."),
            ({**SPEC, "labels": ["ham", "ham"]}, "Label 'ham' stands in the list twice."),
            (
                {**SPEC, "labels": [{"value": "ham", "title": 5}, "spam"]},
                "Title, hint, key and colour of label 'ham' are texts.",
            ),
            ({**SPEC, "inputs": {}}, "inputs takes an object of 1 to 500 named inputs."),
            (
                {**SPEC, "inputs": {"a": {"type": "sound"}}},
                "Input 'a' needs a type: one of boolean, category",
            ),
            ({**SPEC, "inputs": {"a": {"type": "number", "min": 5, "max": 1}}}, "Input 'a': min is 5, more than max"),
            ({**SPEC, "inputs": {"a": {"type": "category", "values": 5}}}, "Input 'a': values takes a list of texts."),
            ({**SPEC, "inputs": {"a": {"type": "text", "required": "no"}}}, "Input 'a': required takes true or false."),
            ({**SPEC, "positive": "eggs"}, "positive is 'eggs', which is not one of the labels."),
            ({**SPEC, "overlap": 0}, "overlap is 0; it takes a whole number from 1 to 20."),
            ({**SPEC, "costs": {"review": -1}}, "costs.review is -1; it takes a number from 0 to 1e12."),
            ({**SPEC, "retraining": {"promote": "always"}}, "retraining.promote is 'always'; it takes ask or by_gate."),
            ({**SPEC, "routing": {"audit_share": 0}}, "routing.audit_share is 0"),
            ({**SPEC, "guideline": 5}, "guideline is 5; it takes text."),
            ({**SPEC, "positive": ["ham"]}, "positive is ['ham']; it takes text."),
            ({**SPEC, "costs": {"review": 1}}, "costs need positive beside them"),
            ({**SPEC, "labels": ["spam", " spam"]}, "Label ' spam' begins or ends with white space."),
            ({**SPEC, "inputs": {"text": {"type": "text"}, "te\u200bxt": {"type": "text"}}}, "look alike"),
            ({**SPEC, "segments": ["label"]}, "A segment cannot be called label"),
            ({**SPEC, "retraining": {"protected": ["label=eggs"]}}, "'eggs' is not one of the labels."),
            ({**SPEC, "segments": ["a"], "retraining": {"protected": ["b=1"]}}, "b is not one of the segments."),
            ({**SPEC, "segments": ["channel", ""]}, "Segment '' has nothing to see."),
            ({**SPEC, "guideline": "a" * 200_000}, "A guideline takes at most"),
        ],
    )
    def test_says_what_a_spec_has_wrong_and_makes_nothing(self, tmp_path: Path, spec: Any, words: str) -> None:
        with pytest.raises(CommandError) as caught:
            self.create(tmp_path, spec)
        assert words in str(caught.value) and "\n" not in str(caught.value)
        assert not Project.objects.exists()

    @pytest.mark.parametrize(
        ("slug", "words"), [("Mail", "takes lower-case letters"), ("taken", "There is a project taken already.")]
    )
    def test_takes_a_free_plain_slug(self, tmp_path: Path, slug: str, words: str) -> None:
        make_project("taken")
        (tmp_path / "spec.json").write_text(json.dumps(SPEC))
        assert words in refused("create_project", slug, "--spec", str(tmp_path / "spec.json"))

    def test_names_a_file_that_cannot_be_read(self, tmp_path: Path) -> None:
        assert "cannot be read: No such file" in refused("create_project", "mail", "--spec", str(tmp_path / "none"))


class TestCreateUser:
    def test_prints_a_link_that_signs_in_once(self, client: Any) -> None:
        make_project("mail")
        link = run("create_user", "bo", "--role", "annotator", "--project", "mail")
        assert link.startswith("http://127.0.0.1:8000/sign-in/") and "\n" not in link
        assert Membership.objects.get(user__username="bo", project__slug="mail").role == "annotator"
        assert not User.objects.get(username="bo").has_usable_password()
        assert [client.post(link).status_code for _ in range(2)] == [302, 410]

    def test_has_its_figures_as_json(self) -> None:
        assert set(json.loads(run("create_user", "bo", "--json"))) == {"user", "link"}

    @pytest.mark.parametrize(
        ("args", "words"),
        [
            (("bo", "--role", "annotator"), "--role and --project go together."),
            (("bo", "--role", "annotator", "--project", "none"), "There is no project none."),
            (("bo bo",), "Enter a valid username."),
            (("bo", "--role", "king", "--project", "mail"), "invalid choice: 'king'"),
        ],
    )
    def test_says_what_does_not_fit_and_makes_nobody(self, args: tuple[str, ...], words: str) -> None:
        assert words in refused("create_user", *args)
        assert not User.objects.exists()

    def test_prints_the_address_at_which_the_site_was_last_started(self, settings: Any) -> None:
        settings.PUBLIC_ADDRESS = "http://127.0.0.1:9123"
        assert run("create_user", "bo").startswith("http://127.0.0.1:9123/sign-in/")
        assert run("sign_in_link", "bo", "--address", "https://a.example/").startswith("https://a.example/sign-in/")

    def test_run_twice_gives_one_account_and_two_links(self) -> None:
        assert run("create_user", "bo") != run("create_user", "bo")
        assert User.objects.count() == 1


class TestSignInLink:
    def test_prints_a_link_that_signs_in_once_and_records_that_it_was_made(self, client: Any) -> None:
        make_user("bo")
        result = json.loads(run("sign_in_link", "bo", "--json"))
        assert result["user"] == "bo"
        assert [client.post(result["link"]).status_code for _ in range(2)] == [302, 410]
        assert AuditEvent.objects.filter(action="user.link", target="bo").count() == 1

    def test_says_who_cannot_have_one(self) -> None:
        make_user("bo", is_active=False)
        assert refused("sign_in_link", "eve") == "There is no user eve; make one: ./plumbline create_user eve"
        assert refused("sign_in_link", "bo").startswith("bo may not sign in")


class TestCreateKey:
    def test_prints_the_key_alone_and_stores_its_hash(self) -> None:
        make_user("ada", make_project("mail"), "engineer")
        secret = run("create_key", "--user", "ada", "--project", "mail", "--scopes", "ingest,read")
        assert secret.startswith("plumb_") and len(secret.split()) == 1
        key = ApiKey.objects.get()
        assert key.scopes == ["ingest", "read"] and secret not in (key.hash, key.prefix)

    @pytest.mark.parametrize(
        ("user", "project", "scopes", "words"),
        [
            ("no", "mail", "read", "There is no user no."),
            ("ada", "no", "read", "There is no project no."),
            ("ada", "mail", "fly", "Scopes are some of ingest, annotate, read, engineer; got fly."),
            ("bo", "mail", "read", "bo"),
        ],
    )
    def test_says_what_does_not_fit(self, user: str, project: str, scopes: str, words: str) -> None:
        make_user("ada", make_project("mail"), "engineer")
        make_user("bo")
        assert words in refused("create_key", "--user", user, "--project", project, "--scopes", scopes)
        assert not ApiKey.objects.exists()


class TestVerifyAudit:
    def test_says_that_the_chain_is_whole(self) -> None:
        specs.create_project("mail", SPEC, by=None, at=NOW)
        assert run("verify_audit") == "1 event; the chain is complete."
        found = json.loads(run("verify_audit", "--json"))
        head = found.pop("head")
        assert found == {"events": 1, "whole": True, "break": None}
        assert (head["sequence"], len(head["hash"])) == (1, 64)

    def test_exports_the_head_and_notices_by_it_that_the_end_was_cut_off(self, tmp_path: Path) -> None:
        for slug in ("a", "b"):
            audit.record("project.create", by=None, at=NOW, target=slug)
        file = tmp_path / "head.json"
        run("verify_audit", "--export-head", str(file))
        assert run("verify_audit", "--head", str(file)) == "2 events; the chain is complete."
        with append_only.lifted("projects_auditevent"):
            AuditEvent.objects.filter(target="b").delete()
        assert "the chain ends before event 2" in refused("verify_audit", "--head", str(file))

    def test_says_in_a_sentence_what_is_wrong_with_a_head(self, tmp_path: Path) -> None:
        file = tmp_path / "head.json"
        assert "cannot be read" in refused("verify_audit", "--head", str(file))
        file.write_text("[]")
        assert "holds no head" in refused("verify_audit", "--head", str(file))
        assert "no event yet" in refused("verify_audit", "--export-head", str(file))
        audit.record("project.create", by=None, at=NOW)
        assert "cannot be written" in refused("verify_audit", "--export-head", str(tmp_path / "no" / "head.json"))

    def test_fails_at_the_first_event_that_does_not_fit(self) -> None:
        for slug in ("a", "b"):
            audit.record("project.create", by=None, at=NOW, target=slug)
        append_only.release(connection, "projects_auditevent")
        AuditEvent.objects.filter(target="a").update(target="z")
        append_only.protect(connection, "projects_auditevent")
        assert "The audit trail is broken" in refused("verify_audit")


def test_up_takes_a_port_that_there_is() -> None:
    assert refused("up", "--port", "99999") == "--port is 99999; it takes a number from 1 to 65,535."
