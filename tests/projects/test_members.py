"""People and keys: roles, one-time links, invitations, API keys."""

from datetime import timedelta

import pytest

from projects import invitations, members
from projects.api_auth import find_key
from projects.models import ApiKey, AuditEvent, Membership, Role, SignInLink, User
from projects.secrets import hashed
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return make_project("digits")


@pytest.fixture
def ada(project):
    return make_user("ada", project, Role.ADMIN)


def test_a_new_account_has_no_password(ada):
    user = members.create_user("bo", by=ada, at=NOW, full_name="Bo Reed")
    assert not user.has_usable_password()
    assert user.name() == "Bo Reed"
    assert not user.is_superuser


def test_a_name_is_taken_once(ada):
    with pytest.raises(members.MemberProblem, match="a user ada already"):
        members.create_user("ada", by=ada, at=NOW)


def test_a_role_can_change_and_the_act_is_recorded(project, ada):
    bo = make_user("bo", project, Role.ANNOTATOR)
    members.set_role(project, bo, Role.REVIEWER, by=ada, at=NOW)
    assert Membership.objects.get(project=project, user=bo).role == Role.REVIEWER
    event = AuditEvent.objects.latest("sequence")
    assert (event.action, event.actor, event.target, event.details) == (
        "member.role",
        "user:ada",
        "bo",
        {"role": "reviewer"},
    )


def test_the_only_admin_stays_one(project, ada):
    with pytest.raises(members.MemberProblem, match="only admin"):
        members.set_role(project, ada, Role.ENGINEER, by=ada, at=NOW)
    with pytest.raises(members.MemberProblem, match="only admin"):
        members.remove(project, ada, by=ada, at=NOW)
    assert Membership.objects.get(project=project, user=ada).role == Role.ADMIN


def test_removing_a_member_ends_their_keys(project, ada):
    bo = make_user("bo", project, Role.ENGINEER)
    key, _ = members.create_key(project, bo, ["read"], by=bo, at=NOW)
    members.remove(project, bo, by=ada, at=NOW)
    key.refresh_from_db()
    assert key.revoked_at == NOW
    assert not project.memberships.filter(user=bo).exists()


def test_a_link_signs_in_once(ada):
    secret = members.new_link(ada, at=NOW)
    assert members.link_owner(secret, at=NOW) == ada
    assert members.use_link(secret, at=NOW) == ada
    assert members.use_link(secret, at=NOW) is None
    assert members.link_owner(secret, at=NOW) is None


def test_of_two_uses_that_both_saw_the_link_one_wins(ada, monkeypatch):
    secret = members.new_link(ada, at=NOW)
    monkeypatch.setattr(members, "link_owner", lambda secret, *, at: ada)  # both looked before either spent it
    assert [members.use_link(secret, at=NOW), members.use_link(secret, at=NOW)] == [ada, None]


def test_a_link_lives_a_day_and_its_secret_is_not_stored(ada):
    secret = members.new_link(ada, at=NOW)
    assert members.use_link(secret, at=NOW + timedelta(hours=24, seconds=1)) is None
    stored = SignInLink.objects.get()
    assert stored.hash == hashed(secret)
    assert secret not in str(vars(stored))


def test_a_link_of_someone_who_may_not_come_in_is_worth_nothing(ada):
    secret = members.new_link(ada, at=NOW)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert members.use_link(secret, at=NOW) is None


def test_inviting_a_new_person_makes_the_account_and_its_link(project, ada):
    invited = invitations.invite(project, "bo", Role.REVIEWER, by=ada, at=NOW, full_name="Bo Reed")
    assert invited.secret is not None
    assert members.use_link(invited.secret, at=NOW) == invited.user
    assert project.memberships.get(user=invited.user).role == Role.REVIEWER


def test_inviting_an_account_that_stands_gives_no_link_to_it(project, ada):
    root = make_user("root", is_superuser=True)
    invited = invitations.invite(project, "root", Role.ANNOTATOR, by=ada, at=NOW)
    assert invited == invitations.Invited(root, None)
    assert not SignInLink.objects.exists()


def test_the_same_invitation_sent_twice_gives_its_link_again_until_it_is_used(project, ada):
    sent = [invitations.invite(project, "bo", Role.REVIEWER, by=ada, at=NOW, secret="s" * 43) for _ in range(2)]
    assert sent[0] == sent[1] and sent[0].secret == "s" * 43
    assert (User.objects.filter(username="bo").count(), SignInLink.objects.count()) == (1, 1)
    members.use_link("s" * 43, at=NOW)
    with pytest.raises(members.MemberProblem, match="a member already"):
        invitations.invite(project, "bo", Role.REVIEWER, by=ada, at=NOW, secret="s" * 43)


def test_inviting_a_member_again_is_refused(project, ada):
    with pytest.raises(members.MemberProblem, match="a member already"):
        invitations.invite(project, "ada", Role.ANNOTATOR, by=ada, at=NOW)


def test_a_key_is_stored_as_its_hash(project, ada):
    key, secret = members.create_key(project, ada, ["read", "ingest", "read"], by=ada, at=NOW)
    assert secret.startswith("plumb_")
    assert key.hash == hashed(secret)
    assert key.scopes == ["ingest", "read"]
    assert secret not in str(AuditEvent.objects.values_list("details", "target"))


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "root"]])
def test_a_key_takes_known_scopes_only(project, ada, scopes):
    with pytest.raises(members.MemberProblem, match="Scopes are some of"):
        members.create_key(project, ada, scopes, by=ada, at=NOW)


def test_a_key_acts_for_members_only(project, ada):
    with pytest.raises(members.MemberProblem, match="not a member"):
        members.create_key(project, make_user("stranger"), ["read"], by=ada, at=NOW)


def test_a_key_opens_until_it_is_revoked(project, ada, rf):
    key, secret = members.create_key(project, ada, ["read"], by=ada, at=NOW)
    request = rf.get("/", headers={"Authorization": f"Bearer {secret}"})
    assert find_key(request) == key
    members.revoke_key(key, by=ada, at=NOW)
    assert find_key(request) is None


def test_a_key_ends_at_its_time_or_with_its_person(project, ada, rf):
    _, over = members.create_key(project, ada, ["read"], by=ada, at=NOW, expires_at=NOW - timedelta(days=9000))
    assert find_key(rf.get("/", headers={"Authorization": f"Bearer {over}"})) is None
    _, secret = members.create_key(project, ada, ["read"], by=ada, at=NOW)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert find_key(rf.get("/", headers={"Authorization": f"Bearer {secret}"})) is None


def test_revoking_twice_is_one_act(project, ada):
    key, _ = members.create_key(project, ada, ["read"], by=ada, at=NOW)
    members.revoke_key(key, by=ada, at=NOW)
    members.revoke_key(key, by=ada, at=NOW + timedelta(days=1))
    assert ApiKey.objects.get().revoked_at == NOW
    assert AuditEvent.objects.filter(action="key.revoke").count() == 1


@pytest.mark.parametrize(
    ("role", "scope"), [(Role.ANNOTATOR, "read"), (Role.REVIEWER, "ingest"), (Role.REVIEWER, "engineer")]
)
def test_a_key_takes_no_scope_that_its_persons_role_would_refuse(project, role, scope):
    bo = make_user("bo", project, role)
    with pytest.raises(members.MemberProblem, match=f"bo is {role} of digits; the scope {scope} needs a role that can"):
        members.create_key(project, bo, [scope], by=bo, at=NOW)
    assert not ApiKey.objects.exists()


def test_a_key_asked_for_twice_with_one_secret_is_made_once(project, ada):
    made = [members.create_key(project, ada, ["read"], by=ada, at=NOW, secret="s" * 43) for _ in range(2)]
    assert made[0] == made[1]
    assert AuditEvent.objects.filter(action="key.create").count() == 1
    members.revoke_key(made[0][0], by=ada, at=NOW)
    with pytest.raises(members.MemberProblem, match="was revoked meanwhile"):
        members.create_key(project, ada, ["read"], by=ada, at=NOW, secret="s" * 43)


def test_an_admin_who_cannot_sign_in_is_none(project, ada):
    make_user("asleep", project, Role.ADMIN, is_active=False)
    with pytest.raises(members.MemberProblem, match="ada is the only admin"):
        members.remove(project, ada, by=ada, at=NOW)


def test_one_name_is_one_person_however_it_is_written(ada):
    members.create_user("caf\u00e9", by=ada, at=NOW)
    with pytest.raises(members.MemberProblem, match="There is a user"):
        members.create_user("cafe\u0301", by=ada, at=NOW)
