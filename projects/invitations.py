"""Bring a person into a project; a new account comes with a link that signs in once."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from projects import audit, members
from projects.models import Project, Role, User


@dataclass(frozen=True)
class Invited:
    """`secret` is that of a sign-in link, and only there where the account is new."""

    user: User
    secret: str | None


@transaction.atomic
def invite(project: Project, name: str, role: Role, *, by: audit.Actor, at: datetime, full_name: str = "") -> Invited:
    """Give the named person this role, making the account where there is none.

    A link is made for new accounts only: with one for an account that stands, an admin of one project could become
    anybody of the installation.
    """
    user = User.objects.filter(username=name).first()
    if user and user.memberships.filter(project=project).exists():
        raise members.MemberProblem(f"{name} is a member already; change the role in the list.")
    secret = None
    if user is None:
        user = members.create_user(name, by=by, at=at, full_name=full_name)
        secret = members.new_link(user, at=at)
    members.set_role(project, user, role, by=by, at=at)
    return Invited(user, secret)
