"""People and keys of a project: accounts, one-time sign-in links, roles, API keys."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from projects import audit
from projects.guards import role_of
from projects.models import ApiKey, Membership, Project, Role, Scope, SignInLink, User
from projects.secrets import hashed, new_secret
from validation import InvalidInput

LINK_LIVES = timedelta(hours=24)


class MemberProblem(InvalidInput):
    """A change of people or keys that cannot be made; the message is for a user."""


class NameTaken(MemberProblem):
    """There is an account of this name."""


@transaction.atomic
def create_user(name: str, *, by: audit.Actor, at: datetime, full_name: str = "", superuser: bool = False) -> User:
    """Make an account without a password; a sign-in link is the way in."""
    first, _, last = full_name.partition(" ")
    user = User(username=name, first_name=first, last_name=last, is_superuser=superuser, is_staff=superuser)
    user.set_unusable_password()
    if User.objects.filter(username=User.normalize_username(name)).exists():
        raise NameTaken(f"There is a user {name} already.")
    user.full_clean(exclude=["password"], validate_unique=False)  # two at once could both have passed it
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:  # of two that make one name at once, the second meets the constraint
        raise NameTaken(f"There is a user {name} already.") from None
    audit.record("user.create", by=by, at=at, target=user.username)
    return user


def lock(project: Project) -> None:
    """Let one change of a project's people and keys at a time through, until the caller's transaction ends.

    Taken before an audit event is recorded, never after: the audit chain has a lock of its own.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)


@transaction.atomic
def set_role(project: Project, user: User, role: Role, *, by: audit.Actor, at: datetime) -> Membership:
    """Give a person one role in a project; a project keeps at least one admin."""
    lock(project)
    if role != Role.ADMIN:
        _keep_one_admin(project, user)
    membership, _ = Membership.objects.update_or_create(
        project=project, user=user, defaults={"role": role}, create_defaults={"role": role, "created_at": at}
    )
    audit.record("member.role", by=by, at=at, project=project, target=user.username, details={"role": role})
    return membership


@transaction.atomic
def remove(project: Project, user: User, *, by: audit.Actor, at: datetime) -> None:
    """End a membership and the person's keys in the project; what they labelled stays."""
    lock(project)
    _keep_one_admin(project, user)
    ApiKey.objects.filter(project=project, user=user, revoked_at=None).update(revoked_at=at)
    Membership.objects.filter(project=project, user=user).delete()
    audit.record("member.remove", by=by, at=at, project=project, target=user.username)


def _keep_one_admin(project: Project, user: User) -> None:
    """An admin who cannot sign in is none."""
    admins = set(project.memberships.filter(role=Role.ADMIN, user__is_active=True).values_list("user_id", flat=True))
    if admins == {user.pk}:
        raise MemberProblem(f"{user.name()} is the only admin of {project.title}; make another first.")


def keep_a_superuser(person: User) -> None:
    """Refuse where no other admin of the installation could sign in; locks them until the caller's transaction ends."""
    admins = User.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("pk")
    if {admin.pk for admin in admins} == {person.pk}:
        raise MemberProblem(f"{person.name()} is the only admin of this installation; make another first.")


@transaction.atomic
def new_link(user: User, *, at: datetime, by: audit.Actor = None, secret: str = "") -> str:
    """The secret of a sign-in link that works once within 24 hours. That one was made is an audit event."""
    secret = secret or new_secret()
    SignInLink.objects.create(user=user, hash=hashed(secret), created_at=at, expires_at=at + LINK_LIVES)
    audit.record("user.link", by=by, at=at, target=user.username)
    return secret


def link_owner(secret: str, *, at: datetime) -> User | None:
    """Whom this link would sign in now, or None where it is used, over or unknown."""
    live = SignInLink.objects.select_related("user").filter(used_at=None, expires_at__gt=at)
    link = live.filter(hash=hashed(secret)).first()
    return link.user if link and link.user.is_active else None


@transaction.atomic
def use_link(secret: str, *, at: datetime) -> User | None:
    """Spend the link: of two clicks at once exactly one gets the person."""
    user = link_owner(secret, at=at)
    if user and SignInLink.objects.filter(hash=hashed(secret), used_at=None).update(used_at=at) == 1:
        audit.record("user.sign_in", by=user, at=at, target=user.username, details={"by": "link"})
        return user
    return None


@transaction.atomic
def create_key(
    project: Project,
    user: User,
    scopes: list[str],
    *,
    by: audit.Actor,
    at: datetime,
    name: str = "",
    expires_at: datetime | None = None,
    secret: str = "",
) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which is shown once and never stored.

    Calling again with the same `secret` gives back the key that the first call made.
    """
    lock(project)
    _check_scopes(project, user, scopes)
    secret = "plumb_" + (secret or new_secret())
    if made := ApiKey.objects.filter(project=project, user=user, hash=hashed(secret)).first():
        if made.revoked_at:
            raise MemberProblem(f"The key {made.prefix}… was revoked meanwhile; load the page again for another.")
        return made, secret
    key = ApiKey.objects.create(
        project=project,
        user=user,
        name=name,
        prefix=secret[:12],
        hash=hashed(secret),
        scopes=sorted(set(scopes)),
        created_at=at,
        expires_at=expires_at,
    )
    audit.record("key.create", by=by, at=at, project=project, target=key.prefix, details={"scopes": key.scopes})
    return key, secret


def _check_scopes(project: Project, user: User, scopes: list[str]) -> None:
    """Refuse scopes that are none, and those that the person's role would refuse at every call."""
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        raise MemberProblem(f"Scopes are some of {', '.join(Scope.values)}; got {', '.join(unknown) or 'none'}.")
    role = role_of(user, project.memberships.filter(user=user).values_list("role", flat=True).first())
    if role is None:
        raise MemberProblem(f"{user.username} is not a member of {project.slug}.")
    for scope in map(Scope, scopes):
        if not role.can(scope.needs):
            raise MemberProblem(
                f"{user.username} is {role} of {project.slug}; the scope {scope} needs a role that can {scope.needs}."
            )


@transaction.atomic
def revoke_key(key: ApiKey, *, by: audit.Actor, at: datetime) -> None:
    """End a key at once; ending it twice is no error."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
        audit.record("key.revoke", by=by, at=at, project=key.project, target=key.prefix)
