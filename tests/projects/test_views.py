"""Sign-in, account, members, keys and the audit trail as a browser without JavaScript meets them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from axes.models import AccessAttempt
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import get_current_timezone_name

from projects import audit, members
from projects.models import ApiKey, AuditEvent, Membership, Role, SignInLink, User
from projects.secrets import hashed
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"


@pytest.fixture
def project():
    return make_project("digits", title="Cheque digits")


@pytest.fixture
def ada(project):
    user = make_user("ada", project, Role.ADMIN, first_name="Ada", last_name="Lang")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def as_ada(client, ada):
    client.force_login(ada)
    return client


def text(response):
    return re.sub(r"\s+", " ", response.content.decode())


def sign_in(client, password, **more):
    return client.post("/sign-in/", {"username": "ada", "password": password, **more})


class TestSignIn:
    def test_the_right_password_signs_in_and_is_recorded(self, client, ada):
        response = sign_in(client, PASSWORD)
        assert response["Location"] == "/"
        assert client.session["_auth_user_id"] == str(ada.pk)
        assert AuditEvent.objects.get().details == {"by": "password"}

    def test_each_wrong_password_says_how_many_tries_are_left(self, client, ada):
        said = [text(sign_in(client, "wrong")) for _ in range(4)]
        assert "Name and password do not match.</b> 4 tries are left before a pause of 15 minutes." in said[0]
        assert "1 try is left before a pause of 15 minutes." in said[3]

    def test_the_fifth_wrong_password_starts_a_pause_that_the_right_one_does_not_end(self, client, ada):
        for _ in range(4):
            assert sign_in(client, "wrong").status_code == 422
        response = sign_in(client, "wrong")
        assert response.status_code == 429
        assert response["Retry-After"] == "900"
        assert "A pause of 15 minutes" in text(response)
        assert sign_in(client, PASSWORD).status_code == 429
        assert "_auth_user_id" not in client.session

    def test_each_wrong_password_leaves_an_event_and_the_pause_stands_in_the_last(self, client, ada):
        for _ in range(7):
            sign_in(client, "wrong")
        events = AuditEvent.objects.filter(action="user.sign_in_failed").order_by("sequence")
        assert [event.details["paused"] for event in events] == [False] * 4 + [True]
        assert {(event.actor, event.target, event.details["from"]) for event in events} == {
            ("system", "ada", "127.0.0.1")
        }

    def test_a_name_that_nobody_has_is_not_written_down(self, client, ada):
        client.post("/sign-in/", {"username": "my secret password", "password": "x"})
        event = AuditEvent.objects.get(action="user.sign_in_failed")
        assert (event.target, event.details["known_name"]) == ("", False)

    def test_another_address_is_not_paused(self, client, ada):
        for _ in range(5):
            sign_in(client, "wrong")
        response = client.post("/sign-in/", {"username": "ada", "password": PASSWORD}, REMOTE_ADDR="10.0.0.9")
        assert response.status_code == 302

    def test_sixty_names_from_one_address_are_paused_and_other_addresses_are_not(self, client, ada):
        statuses = [
            client.post("/sign-in/", {"username": f"name-{number}", "password": "wrong"}).status_code
            for number in range(60)
        ]
        assert statuses == [422] * 30 + [429] * 30
        assert sign_in(client, PASSWORD).status_code == 429
        elsewhere = {"username": "ada", "password": PASSWORD}
        assert client.post("/sign-in/", elsewhere, REMOTE_ADDR="10.0.0.9").status_code == 302

    def test_the_pause_of_an_address_ends(self, client, ada):
        for number in range(30):
            client.post("/sign-in/", {"username": f"name-{number}", "password": "wrong"})
        assert sign_in(client, PASSWORD).status_code == 429
        AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
        assert sign_in(client, PASSWORD).status_code == 302

    def test_a_name_guessed_from_many_addresses_opens_to_the_right_password(self, client, ada):
        for number in range(40):
            client.post("/sign-in/", {"username": "ada", "password": "wrong"}, REMOTE_ADDR=f"10.1.0.{number // 5}")
        assert sign_in(client, PASSWORD).status_code == 302

    def test_a_name_that_is_not_there_is_answered_like_a_wrong_password(self, client, ada):
        wrong = text(sign_in(client, "wrong"))
        AccessAttempt.objects.all().delete()
        unknown = text(client.post("/sign-in/", {"username": "eve", "password": "wrong"}))
        strip = re.compile(r'(value="[^"]*"|[0-9A-Za-z]{32,})')
        assert strip.sub("", wrong) == strip.sub("", unknown)

    def test_an_empty_form_says_what_is_missing(self, client):
        response = client.post("/sign-in/", {})
        assert response.status_code == 422
        assert "Enter your user name." in text(response)
        assert "Enter your password." in text(response)

    @pytest.mark.parametrize(
        ("after", "goes"), [("/account/", "/account/"), ("https://evil.example/", "/"), ("//evil.example", "/")]
    )
    def test_it_leads_to_pages_of_ours_only(self, client, ada, after, goes):
        assert sign_in(client, PASSWORD, next=after)["Location"] == goes

    def test_who_may_not_come_in_does_not(self, client, ada):
        User.objects.filter(pk=ada.pk).update(is_active=False)
        assert sign_in(client, PASSWORD).status_code == 422

    def test_signing_out_takes_a_post(self, as_ada):
        assert as_ada.get("/sign-out/").status_code == 405
        assert as_ada.post("/sign-out/")["Location"] == "/sign-in/"
        assert "_auth_user_id" not in as_ada.session


class TestLink:
    def test_looking_says_whom_it_signs_in_and_does_not_spend_it(self, client, ada):
        secret = members.new_link(ada, at=timezone.now())
        for _ in range(2):
            response = client.get(f"/sign-in/{secret}/")
            assert "Sign in as Ada Lang" in text(response)
        assert SignInLink.objects.get().used_at is None
        assert "_auth_user_id" not in client.session

    def test_posting_spends_it_once(self, client, ada):
        secret = members.new_link(ada, at=timezone.now())
        assert client.post(f"/sign-in/{secret}/")["Location"] == "/"
        assert client.session["_auth_user_id"] == str(ada.pk)
        again = client.post(f"/sign-in/{secret}/")
        assert again.status_code == 410
        assert "This link no longer works" in text(again)

    def test_an_unknown_or_old_link_is_gone(self, client, ada):
        old = members.new_link(ada, at=timezone.now() - timedelta(hours=25))
        assert client.get("/sign-in/nonsense/").status_code == 410
        assert client.post(f"/sign-in/{old}/").status_code == 410

    def test_posting_needs_the_token_of_our_own_page(self, ada):
        from django.test import Client

        secret = members.new_link(ada, at=timezone.now())
        response = Client(enforce_csrf_checks=True).post(f"/sign-in/{secret}/")
        assert response.status_code == 403
        assert "This form is stale" in text(response)
        assert SignInLink.objects.get().used_at is None


class TestHome:
    def test_one_project_is_entered_straight_away(self, as_ada):
        assert as_ada.get("/")["Location"] == "/go/digits/"

    def test_several_are_listed_with_the_role_in_each(self, as_ada, ada):
        other = make_project("intents", title="Bank intents")
        Membership.objects.create(project=other, user=ada, role=Role.REVIEWER, created_at=timezone.now())
        make_project("secret", title="Not mine")
        page = text(as_ada.get("/"))
        assert "Bank intents" in page
        assert "reviewer" in page
        assert "Not mine" not in page

    def test_who_is_in_no_project_reads_how_to_come_into_one(self, client):
        client.force_login(make_user("bo"))
        assert "No project is open to you" in text(client.get("/"))


class TestAccount:
    def test_the_theme_is_saved_and_stands_on_the_page(self, as_ada, ada):
        as_ada.post("/account/appearance/", {"theme": "dark"})
        ada.refresh_from_db()
        assert (ada.theme, ada.single_keys) == ("dark", False)
        page = text(as_ada.get("/account/"))
        assert 'data-theme="dark"' in page
        assert 'data-keys="off"' in page

    def test_an_unknown_theme_is_refused(self, as_ada):
        assert as_ada.post("/account/appearance/", {"theme": "pink"}).status_code == 422

    def test_keys_are_saved_as_what_differs(self, as_ada, ada):
        assert as_ada.post("/account/keys/", {"undo": "z"}).status_code == 302
        ada.refresh_from_db()
        assert ada.keys == {"undo": "z"}
        assert '"undo": "z"' in text(as_ada.get("/account/"))

    def test_two_acts_on_one_key_are_refused_with_the_reason(self, as_ada, ada):
        response = as_ada.post("/account/keys/", {"undo": "f"})
        assert response.status_code == 422
        assert "F would do two things." in text(response)

    def test_a_new_password_needs_the_old_one_and_12_characters(self, as_ada):
        fields = {"old": "wrong", "new": "short", "again": "shorter"}
        page = text(as_ada.post("/account/password/", fields))
        assert "This is not your password now." in page
        assert "at least 12 characters" in page

    def test_a_new_password_ends_other_sessions_and_keeps_this_one(self, as_ada, ada):
        from django.test import Client

        elsewhere = Client()
        elsewhere.force_login(ada)
        new = "another long password"
        assert as_ada.post("/account/password/", {"old": PASSWORD, "new": new, "again": new}).status_code == 302
        assert as_ada.get("/account/").status_code == 200
        assert elsewhere.get("/account/").status_code == 302
        assert AuditEvent.objects.get().action == "user.password"

    def test_who_came_by_link_sets_a_first_password_without_an_old_one(self, client):
        user = make_user("bo")
        client.force_login(user)
        client.post("/account/password/", {"new": PASSWORD, "again": PASSWORD})
        user.refresh_from_db()
        assert user.check_password(PASSWORD)


class TestMembers:
    def test_inviting_a_new_person_shows_a_link_that_works_once(self, as_ada, client, project):
        response = as_ada.post("/p/digits/members/invite/", {"name": "bo", "full_name": "Bo Reed", "role": "reviewer"})
        link = re.search(r"http://testserver(/sign-in/[^<]+/)", response.content.decode()).group(1)
        assert "no-store" in response["Cache-Control"]
        assert "Sign in as Bo Reed" in text(client.get(link))
        assert link.split("/")[2] not in text(as_ada.get("/p/digits/members/"))

    def test_an_admin_of_a_project_gets_no_link_to_another_account(self, as_ada):
        make_user("root", is_superuser=True)
        response = as_ada.post("/p/digits/members/invite/", {"name": "root", "role": "annotator"})
        assert response.status_code == 302
        assert not SignInLink.objects.exists()

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"name": "", "role": "annotator"}, "Enter a user name."),
            ({"name": "a b", "role": "annotator"}, "letters, digits"),
            ({"name": "ada", "role": "annotator"}, "a member already"),
            ({"name": "bo", "role": "king"}, "not one of the available choices"),
        ],
    )
    def test_a_bad_invitation_says_why(self, as_ada, fields, says):
        response = as_ada.post("/p/digits/members/invite/", fields)
        assert response.status_code == 422
        assert says in text(response)

    def test_the_last_admin_stays(self, as_ada, ada):
        for path, fields in (("role", {"role": "annotator"}), ("remove", {})):
            response = as_ada.post(f"/p/digits/members/{ada.pk}/{path}/", fields)
            assert response.status_code == 422
            assert "is the only admin of Cheque digits" in text(response)

    def test_a_person_of_another_project_is_not_there(self, as_ada):
        bo = make_user("bo", make_project("other"), Role.ANNOTATOR)
        assert as_ada.post(f"/p/digits/members/{bo.pk}/remove/").status_code == 404
        assert bo.memberships.exists()


class TestKeys:
    def test_the_secret_is_shown_once(self, as_ada):
        response = as_ada.post(
            "/p/digits/keys/create/", {"name": "line", "scopes": ["read", "ingest"], "expires": "30"}
        )
        secret = re.search(r"plumb_[\w-]{40,}", response.content.decode()).group()
        key = ApiKey.objects.get()
        assert key.hash == hashed(secret)
        assert timedelta(days=29) < key.expires_at - timezone.now() <= timedelta(days=30)
        assert "no-store" in response["Cache-Control"]
        assert secret not in text(as_ada.get("/p/digits/keys/"))

    def test_a_key_without_a_scope_is_refused(self, as_ada):
        response = as_ada.post("/p/digits/keys/create/", {"name": "line"})
        assert response.status_code == 422
        assert "Choose at least one scope" in text(response)

    def test_revoking_ends_it(self, as_ada, ada, project):
        key, _ = members.create_key(project, ada, ["read"], by=ada, at=timezone.now())
        as_ada.post(f"/p/digits/keys/{key.pk}/revoke/")
        key.refresh_from_db()
        assert key.revoked_at is not None

    def test_a_key_of_another_project_is_not_there(self, as_ada, ada):
        bo = make_user("bo", other := make_project("other"), Role.ADMIN)
        key, _ = members.create_key(other, bo, ["read"], by=bo, at=timezone.now())
        assert as_ada.post(f"/p/digits/keys/{key.pk}/revoke/").status_code == 404
        key.refresh_from_db()
        assert key.revoked_at is None

    def test_the_form_sent_again_shows_the_same_key_and_makes_no_second(self, as_ada):
        once = as_ada.get("/p/digits/keys/").context["form"]["once"].value()
        fields = {"name": "line", "scopes": ["read"], "once": once}
        pages = [as_ada.post("/p/digits/keys/create/", fields).content.decode() for _ in range(2)]
        secrets = {re.search(r"plumb_[\w-]{40,}", page).group() for page in pages}
        assert len(secrets) == 1 and ApiKey.objects.count() == 1
        assert as_ada.get("/p/digits/keys/").context["form"]["once"].value() != once

    def test_an_engineer_makes_sees_and_revokes_their_own_keys_only(self, client, ada, project):
        theirs, _ = members.create_key(project, ada, ["read"], by=ada, at=timezone.now(), name="of ada")
        emil = make_user("emil", project, Role.ENGINEER)
        client.force_login(emil)
        client.post("/p/digits/keys/create/", {"name": "of emil", "scopes": ["ingest", "engineer"]})
        mine = ApiKey.objects.get(user=emil)
        page = text(client.get("/p/digits/keys/"))
        assert "of emil" in page and "of ada" not in page
        assert client.post(f"/p/digits/keys/{theirs.pk}/revoke/").status_code == 404
        assert client.post(f"/p/digits/keys/{mine.pk}/revoke/").status_code == 302
        assert set(ApiKey.objects.filter(revoked_at=None)) == {theirs}


class TestAuditTrail:
    def record(self, project, count):
        for number in range(count):
            audit.record("member.role", by=None, at=timezone.now(), project=project, target=f"person-{number}.")

    def test_pages_follow_each_other_without_gap_or_repeat(self, as_ada, project):
        self.record(project, 120)
        self.record(make_project("other"), 3)
        seen, path = [], "/p/digits/audit/"
        for _ in range(3):
            page = as_ada.get(path).content.decode()
            seen += re.findall(r"person-(\d+)\.", page)
            older = re.search(r'href="(\?before=\d+)"', page)
            path = f"/p/digits/audit/{older.group(1)}" if older else None
        assert path is None
        assert seen == [str(number) for number in reversed(range(120))]

    def test_numbers_that_other_projects_used_are_explained(self, as_ada, project):
        """Seen: numbers that skip, under the question whether the record is whole."""
        for place in (project, make_project("other"), project):
            self.record(place, 1)
        page = text(as_ada.get("/p/digits/audit/"))
        assert re.findall(r"event</span> (\d+)</td>", page) == ["3", "1"]
        assert "Numbers run through all projects of this installation." in page

    @pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "٢"])
    def test_a_cursor_that_is_none_is_not_found(self, as_ada, before):
        assert as_ada.get("/p/digits/audit/", {"before": before}).status_code == 404

    def test_verifying_says_that_the_chain_is_whole(self, as_ada, project):
        self.record(project, 4)
        assert "The chain is complete.</b> 4 events" in text(as_ada.post("/p/digits/audit/verify/"))

    def test_verifying_names_the_first_break(self, as_ada, project):
        from projects import append_only

        self.record(project, 4)
        with append_only.lifted("projects_auditevent"):
            AuditEvent.objects.filter(sequence=3).update(actor="user:eve")
        page = text(as_ada.post("/p/digits/audit/verify/"))
        assert "The chain breaks at event 3:</b> event 3 was changed after it was written." in page


@pytest.mark.parametrize("name", ["member-list", "key-list", "audit"])
def test_a_page_costs_few_queries_however_long_it_is(as_ada, ada, project, name, django_assert_max_num_queries):
    for number in range(30):
        person = make_user(f"person-{number}", project, Role.ENGINEER)
        members.create_key(project, person, ["read"], by=ada, at=timezone.now())
    with django_assert_max_num_queries(15):
        assert as_ada.get(reverse(f"projects:{name}", args=["digits"])).status_code == 200


class TestNavigation:
    def places(self, client, path="/account/"):
        return text(client.get(path))

    def test_a_role_is_shown_what_it_may_open(self, client, project):
        for role, shown in ((Role.ADMIN, True), (Role.REVIEWER, False)):
            client.force_login(make_user(f"a-{role}", project, role))
            page = self.places(client, "/p/digits/jobs/")
            assert ("Audit trail" in page) is shown
            assert ("/p/digits/members/" in page) is shown

    def test_the_installation_is_shown_to_superusers(self, client):
        client.force_login(make_user("root", is_superuser=True))
        assert "Admin console" in self.places(client)
        client.force_login(make_user("bo"))
        assert "Admin console" not in self.places(client)


class TestErrorPages:
    def test_an_unknown_address_is_a_page_of_ours(self, client):
        response = client.get("/nowhere/")
        assert response.status_code == 404
        assert "There is nothing at this address" in text(response)

    def test_a_role_that_is_too_small_reads_why(self, client, project):
        client.force_login(make_user("bo", project, Role.ANNOTATOR))
        response = client.get("/p/digits/members/")
        assert response.status_code == 403
        assert "Your role here is annotator; this page needs one that can administer." in text(response)

    def test_a_failure_is_a_page_without_a_trace(self, client, ada, monkeypatch):
        from projects.views import pages

        client.raise_request_exception = False
        client.force_login(ada)
        monkeypatch.setattr(pages.Project.objects, "for_user", lambda user: 1 / 0)
        response = client.get("/")
        assert response.status_code == 500
        assert "What was saved before is safe." in text(response)
        assert "ZeroDivisionError" not in text(response)


class TestTimeZone:
    def audit_times(self, client, project):
        audit.record("member.role", by=None, at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC), project=project)
        return text(client.get("/p/digits/audit/"))

    def test_without_one_chosen_is_that_of_the_browser_and_else_utc(self, as_ada, project):
        assert "Time, UTC" in self.audit_times(as_ada, project)
        as_ada.cookies["zone"] = "Europe/Berlin"
        page = self.audit_times(as_ada, project)
        assert "Time, Europe/Berlin" in page and "2 Jul 2026 00:30:00" in page

    @pytest.mark.parametrize("cookie", ["Mars/Olympus", "../../etc/passwd", "", "Europe/Berlin\x00"])
    def test_that_there_is_none_of_is_utc(self, as_ada, project, cookie):
        as_ada.cookies["zone"] = cookie
        assert "Time, UTC" in self.audit_times(as_ada, project)

    def test_is_chosen_on_the_account_page_and_stays_whatever_the_browser_says(self, as_ada, ada, project):
        assert as_ada.post("/account/zone/", {"timezone": "Asia/Kolkata"}).status_code == 302
        as_ada.cookies["zone"] = "Europe/Berlin"
        assert "2 Jul 2026 04:00:00" in self.audit_times(as_ada, project)
        page = text(as_ada.get("/account/"))
        assert "in Asia/Kolkata." in page and "As my browser says, Europe/Berlin" in page
        as_ada.post("/account/zone/", {"timezone": ""})
        assert "Time, Europe/Berlin" in self.audit_times(as_ada, project)

    def test_that_is_none_is_refused(self, as_ada, ada):
        assert as_ada.post("/account/zone/", {"timezone": "Mars/Olympus"}).status_code == 422
        ada.refresh_from_db()
        assert ada.timezone == ""

    def test_of_one_person_is_not_left_for_the_next(self, as_ada, project):
        as_ada.post("/account/zone/", {"timezone": "Asia/Kolkata"})
        as_ada.get("/account/")
        assert get_current_timezone_name() == "UTC"


def test_saving_the_appearance_writes_nothing_else(as_ada, ada, monkeypatch):
    full_clean = User.full_clean

    def deactivated_meanwhile(self, *args, **more):
        User.objects.filter(pk=self.pk).update(is_active=False)
        full_clean(self, *args, **more)

    monkeypatch.setattr(User, "full_clean", deactivated_meanwhile)
    as_ada.post("/account/appearance/", {"theme": "dark"})
    ada.refresh_from_db()
    assert (ada.theme, ada.is_active) == ("dark", False)
