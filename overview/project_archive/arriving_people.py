"""People whom rows of an archive name: an account of the same name, or a new one that cannot sign in."""

from typing import Any

from django.core.exceptions import ValidationError

from overview.project_archive.container import ArchiveReader
from overview.project_archive.values import BadArchive
from projects import invitations
from projects.models import User

Person = tuple[int, str, str, str]


def accounts(archive: ArchiveReader) -> tuple[dict[int, int], list[str]]:
    """Id in the archive to id here, and the names of the accounts that were made.

    Nobody gets a right by it. A new account is inactive until an admin of the installation lets the person in.
    """
    found: dict[int, int] = {}
    new: list[str] = []
    for line in archive.lines("people.jsonl"):
        number, name, first, last = _person(line)
        user = invitations.named(name)
        if user is None:
            user = _make(name, first, last)
            new.append(user.username)
        found[number] = user.pk
    return found, new


def _person(line: Any) -> Person:
    if not isinstance(line, list) or [type(part) for part in line] != [int, str, str, str]:
        raise BadArchive("A person of it is not written as people are.")
    return line[0], line[1], line[2], line[3]


def _make(name: str, first: str, last: str) -> User:
    user = User(username=name, first_name=first, last_name=last, is_active=False)
    user.set_unusable_password()
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as why:
        raise BadArchive(f"The person {name[:80]!r} cannot be taken: {' '.join(why.messages)}") from None
    user.save()
    return user
