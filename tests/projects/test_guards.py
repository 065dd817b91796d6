"""Guards one by one; tests/test_guards.py walks every route."""

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse

from projects.guards import enter, member, public, signed_in, superuser
from projects.models import ABILITIES, Can, Role
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db


def page(request):
    return HttpResponse(getattr(request, "role", "in"))


def project_page(request):
    return HttpResponse(f"{request.role} of {request.project.slug}")


@pytest.fixture
def ask(rf):
    def call(view, user, *args):
        request = rf.get("/here/?a=1")
        request.user = user
        return view(request, *args)

    return call


@pytest.fixture
def anonymous():
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


def test_public_pages_open_to_anyone(ask, anonymous):
    assert ask(public(page), anonymous).content == b"in"


@pytest.mark.parametrize("guard", [signed_in, superuser])
def test_who_is_not_signed_in_goes_to_sign_in_and_comes_back(ask, anonymous, guard):
    response = ask(guard(page), anonymous)
    assert response.status_code == 302
    assert response["Location"] == "/sign-in/?next=/here/%3Fa%3D1"


def test_only_a_superuser_passes_the_superuser_guard(ask):
    with pytest.raises(PermissionDenied):
        ask(superuser(page), make_user("bo"))
    assert ask(superuser(page), make_user("root", is_superuser=True)).content == b"in"


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("can", Can)
def test_a_member_passes_exactly_where_the_role_can(ask, role, can):
    project = make_project("digits")
    user = make_user("bo", project, role)
    view = member(can)(project_page)
    if can in ABILITIES[role]:
        assert ask(view, user, "digits").content.decode() == f"{role} of digits"
    else:
        with pytest.raises(PermissionDenied, match=f"Your role here is {role}"):
            ask(view, user, "digits")


def test_a_foreign_project_is_as_if_it_were_not_there(ask):
    make_project("theirs")
    bo = make_user("bo", make_project("mine"), Role.ADMIN)
    for slug in ("theirs", "none"):
        with pytest.raises(Http404, match="no such project"):
            enter(bo, slug)


def test_a_superuser_is_admin_everywhere_and_keeps_a_role_that_was_given():
    project, root = make_project("digits"), make_user("root", is_superuser=True)
    assert enter(root, "digits") == (project, Role.ADMIN)
    other = make_project("other")
    boss = make_user("boss", other, Role.REVIEWER, is_superuser=True)
    assert enter(boss, "other")[1] == Role.REVIEWER
