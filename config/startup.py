"""What a start does: check port, home and database, make the demo, say the address and how to sign in."""

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from config.environment import ADDRESS_FILE
from config.home import list_exposed
from overview import demo
from projects import members
from projects.management.links import sign_in_address
from projects.models import User

Say = Callable[[str], object]


def check_port(port: int) -> None:
    if not 1 <= port <= 65_535:
        raise CommandError(f"--port is {port}; it takes a number from 1 to 65,535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(f"Port {port} is taken. Choose another: make run PORT={port + 1}") from None


@contextmanager
def only_start(home: Path) -> Iterator[None]:
    """Hold the home for this process alone; two installations in one home would replace each other's workers.

    A record lock, because forked children do not inherit it and a killed process lets go of it.
    """
    with (home / "up.lock").open("a+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            process = file.read(20).strip() or "unknown"
            raise CommandError(
                f"Plumbline runs in {home} already, as process {process}. End that one, or name another PLUMBLINE_HOME."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def check_home(home: Path) -> None:
    """Nothing in the home may be read by others."""
    if exposed := list_exposed(home):
        raise CommandError(
            f"{exposed[0]} can be read by others and belongs to somebody else; as its owner run: chmod go= {exposed[0]}"
        )


def check_database() -> None:
    """SQLite keeps its promises only under these settings, so they are asked for and then checked."""
    if connection.vendor != "sqlite":
        return
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}
    with connection.cursor() as cursor:
        for name, value in wanted.items():
            found = cursor.execute(f"PRAGMA {name}").fetchone()[0]
            if found != value:
                raise CommandError(f"SQLite has {name} = {found} in place of {value}; labels would not be safe.")
    if connection.settings_dict["OPTIONS"].get("transaction_mode") != "IMMEDIATE":
        raise CommandError("SQLite needs transaction_mode IMMEDIATE; without it writers fail under load.")


def ensure_demo(*, say: Say) -> None:
    """Make the demo once; a start that was cut off in the middle goes on where it stopped."""
    demo.ensure(at=timezone.now(), say=say)


def greet(address: str, *, demo: bool, say: Say) -> None:
    """The address; who has never had a sign-in link gets one, others read how to ask for one."""
    say("")
    say(f"Plumbline runs at {address}")
    (settings.HOME / ADDRESS_FILE).write_text(address)
    people = _people(demo=demo)
    if fresh := [person for person in people if not person.sign_in_links.exists()]:
        for person in fresh:
            link = sign_in_address(members.new_link(person, at=timezone.now()), address)
            say(f"  {person.name() + ', ' + _role(person):<24} {link}")
        say("Each link signs in once, within 24 hours, and is not shown again.")
    if not people:
        say("  No one can sign in yet: ./plumbline create_user NAME --superuser")
    elif len(fresh) < len(people):
        names = ", ".join(f"{person.username} ({_role(person)})" for person in people if person not in fresh)
        say(f"  A new sign-in link for {names}: ./plumbline sign_in_link NAME")
    say("Ctrl-C stops everything.")


def _people(*, demo: bool) -> list[User]:
    """Whom to name: the people of the demo in their order or, without a demo, the first admin."""
    if not demo:
        return list(User.objects.filter(is_superuser=True, is_active=True).order_by("pk")[:1])
    found = User.objects.filter(username__in=DEMO_PEOPLE, is_active=True)
    return sorted(found, key=lambda user: DEMO_PEOPLE.index(user.username))


def _role(person: User) -> str:
    return person.memberships.values_list("role", flat=True).first() or "admin"


DEMO_PEOPLE = [name for name, _, _ in demo.PEOPLE]
