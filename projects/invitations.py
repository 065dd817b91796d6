"""Bring a person into a project or the installation; a new account comes with a link that signs in once."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from projects import audit, members
from projects.models import Project, Role, SignInLink, User
from projects.secrets import hashed, new_secret


@dataclass(frozen=True)
class Invited:
    """`secret` is that of a sign-in link, and only there where the account is new."""

    user: User
    secret: str | None


@transaction.atomic
def invite(
    project: Project,
    name: str,
    role: Role,
    *,
    by: audit.Actor,
    at: datetime,
    full_name: str = "",
    secret: str = "",
) -> Invited:
    """Give the named person this role, making the account where there is none.

    A link is made for new accounts only: with one for an account that exists, an admin of one project could become
    anybody of the installation. `secret` is the one for the link; the same invitation sent again gives it back.
    """
    members.lock(project)
    secret = secret or new_secret()
    user = named(name)
    if user and user.memberships.filter(project=project).exists():
        if SignInLink.objects.filter(user=user, hash=hashed(secret), used_at=None).exists():
            return Invited(user, secret)
        raise members.MemberProblem(f"{name} is a member already; change the role in the list.")
    user, new = account(name, by=by, at=at, full_name=full_name)
    link = members.new_link(user, at=at, by=by, secret=secret) if new else None
    members.set_role(project, user, role, by=by, at=at)
    return Invited(user, link)


@transaction.atomic
def open_account(
    name: str,
    *,
    by: audit.Actor,
    at: datetime,
    full_name: str = "",
    superuser: bool = False,
    project: Project | None = None,
    role: Role | None = None,
) -> str:
    """The secret of a new sign-in link of this person: made where missing, and given the role where one is named.

    For whoever runs the installation: it signs in as anybody.
    """
    if project:
        members.lock(project)
    user, _ = account(name, by=by, at=at, full_name=full_name, superuser=superuser)
    if project and role:
        members.set_role(project, user, role, by=by, at=at)
    return members.new_link(user, at=at, by=by)


def account(
    name: str, *, by: audit.Actor, at: datetime, full_name: str = "", superuser: bool = False
) -> tuple[User, bool]:
    """The account of this name and False, or a new one and True; of two calls at once one makes it."""
    if user := named(name):
        return user, False
    try:
        return members.create_user(name, by=by, at=at, full_name=full_name, superuser=superuser), True
    except members.NameTaken:
        return User.objects.get(username=User.normalize_username(name)), False


def named(name: str) -> User | None:
    """The account of this name, however its letters are composed."""
    return User.objects.filter(username=User.normalize_username(name)).first()
