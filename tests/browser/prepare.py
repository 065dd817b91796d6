"""Run in a process of its own: make the demo in PLUMBLINE_HOME and print one sign-in link for each person as JSON."""

import json
import os
from datetime import datetime

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.core.management import call_command
    from django.urls import reverse
    from django.utils import timezone

    from jobs import health, reaper
    from overview import demo
    from projects import members
    from projects.models import User

    call_command("migrate", verbosity=0, interactive=False)
    now = timezone.now()
    demo.ensure(at=now, say=lambda words: None)
    make_webhooks(now)
    for role in health.PROCESSES:
        reaper.beat(role, role, at=now)
    links = {
        role: reverse("projects:sign-in-link", args=[members.new_link(User.objects.get(username=name), at=now)])
        for name, _, role in demo.PEOPLE
    }
    print(json.dumps(links))


def make_webhooks(now: datetime) -> None:
    """An endpoint of the digits with one event that was taken, one that failed, and one that waits."""
    from jobs.models import DeliveryState, EventType
    from projects.models import Project
    from tests.factories import make_delivery, make_endpoint

    project = Project.objects.get(slug="digits")
    endpoint = make_endpoint(project, name="Deploy bot")
    make_endpoint(project, name="Pager", enabled=False, disabled_because="It answered 410 Gone.")
    for state, type_, tries in (
        (DeliveryState.DELIVERED, EventType.VERSION_PROMOTED, [""]),
        (DeliveryState.FAILED, EventType.RUN_FINISHED, ["It answered 500."] * 8),
        (DeliveryState.WAITING, EventType.ITEM_RESOLVED, ["It did not answer within 10 s."]),
    ):
        made = make_delivery(project, endpoint=endpoint, state=state, tries=len(tries))
        made.event.type, made.event.at = type_, now
        made.event.body = json.dumps(
            {"type": type_, "data": {"project": "digits", "item": "item_01JD4K7Q2M8X3V5B6N7P"}}
        )
        made.event.save()
        for error in tries:
            made.attempts.create(at=now, status=500 if error else 204, error=error, milliseconds=84)


if __name__ == "__main__":
    main()
