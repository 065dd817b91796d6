"""What a first start does: check the port and the database, make the demo, greet with sign-in links."""

import socket
from collections.abc import Callable

from django.core.management.base import CommandError
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from overview import demo
from projects import members
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
    """The address, and a fresh one-time sign-in link for each demo person or, without a demo, for the first admin."""
    say("")
    say(f"Plumbline runs at {address}")
    people = User.objects.filter(username__in=DEMO_PEOPLE) if demo else User.objects.filter(is_superuser=True)[:1]
    now = timezone.now()
    for person in sorted(people, key=lambda user: DEMO_PEOPLE.index(user.username) if demo else 0):
        link = reverse("projects:sign-in-link", args=[members.new_link(person, at=now)])
        role = person.memberships.values_list("role", flat=True).first() or "admin"
        say(f"  {person.name() + ', ' + role:<24} {address}{link}")
    if not people:
        say("  No one can sign in yet: python manage.py create_user NAME --superuser")
    say("Each link signs in once, within 24 hours. Ctrl-C stops everything.")


DEMO_PEOPLE = [name for name, _, _ in demo.PEOPLE]
