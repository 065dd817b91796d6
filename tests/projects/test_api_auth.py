"""Authentication by key: its scopes and its person's present role both count, at every call."""

import json
from typing import Any

import pytest
from django.test import Client

from annotation.models import Item
from projects import members
from projects.models import ABILITIES, ApiKey, Membership, Project, Role, Scope, User
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db
CALLS = {
    Scope.INGEST: ("post", "predictions", [{"key": "a", "inputs": {"text": "hello"}, "label_known": "ham"}]),
    Scope.ANNOTATE: ("post", "leases", {"count": 1}),
    Scope.READ: ("get", "items", None),
}


@pytest.fixture
def project() -> Project:
    return make_project("mail")


@pytest.fixture
def bo(project: Project) -> User:
    make_user("ada", project, Role.ADMIN)
    return make_user("bo", project, Role.ADMIN)


@pytest.fixture
def secret(project: Project, bo: User) -> str:
    return members.create_key(project, bo, list(CALLS), by=bo, at=NOW)[1]


def call(secret: str, scope: Scope) -> Any:
    method, path, body = CALLS[scope]
    sent: Any = {"data": json.dumps(body), "content_type": "application/json"} if method == "post" else {}
    headers = {"Authorization": f"Bearer {secret}"}
    return getattr(Client(), method)(f"/api/v1/projects/mail/{path}", headers=headers, **sent)


@pytest.mark.parametrize("role", Role)
def test_a_key_does_what_its_scope_and_its_persons_role_both_allow(
    project: Project, bo: User, secret: str, role: Role
) -> None:
    members.set_role(project, bo, role, by=None, at=NOW)
    for scope in CALLS:
        answer = call(secret, scope)
        if scope.needs in ABILITIES[role]:
            assert answer.status_code == 200, f"{role} {scope}: {answer.content!r}"
        else:
            assert answer.status_code == 403, f"{role} {scope}"
            assert answer.json()["detail"].startswith(f"bo, for whom this key acts, is {role} here; {scope} needs")
    assert Item.objects.exists() is (Scope.INGEST.needs in ABILITIES[role])


def test_a_role_given_back_gives_the_key_its_powers_back(project: Project, bo: User, secret: str) -> None:
    members.set_role(project, bo, Role.ANNOTATOR, by=None, at=NOW)
    assert call(secret, Scope.READ).status_code == 403
    members.set_role(project, bo, Role.REVIEWER, by=None, at=NOW)
    assert call(secret, Scope.READ).status_code == 200


def test_a_key_of_who_is_no_member_any_more_is_refused(bo: User, secret: str) -> None:
    Membership.objects.filter(user=bo).delete()  # without ending the key, as a restored backup might
    answer = call(secret, Scope.READ)
    assert answer.status_code == 403
    assert answer.json()["detail"] == "bo, for whom this key acts, is not a member of this project."


def test_an_admin_of_the_installation_keeps_a_key_until_they_are_none(project: Project) -> None:
    root = make_user("root", is_superuser=True)
    secret = members.create_key(project, root, [Scope.READ], by=root, at=NOW)[1]
    assert call(secret, Scope.READ).status_code == 200
    User.objects.filter(pk=root.pk).update(is_superuser=False)
    assert call(secret, Scope.READ).status_code == 403
    assert ApiKey.objects.get().revoked_at is None
