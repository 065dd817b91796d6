"""Run in a process of its own: make the demo in PLUMBLINE_HOME and print one sign-in link for each person as JSON."""

import json
import os

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
    for role in health.PROCESSES:
        reaper.beat(role, role, at=now)
    links = {
        role: reverse("projects:sign-in-link", args=[members.new_link(User.objects.get(username=name), at=now)])
        for name, _, role in demo.PEOPLE
    }
    print(json.dumps(links))


if __name__ == "__main__":
    main()
