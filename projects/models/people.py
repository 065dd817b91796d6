"""People and what a role may do."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person. Sign-up is closed: an admin or `create_user` makes accounts."""

    class Theme(models.TextChoices):
        SYSTEM = "system"
        LIGHT = "light"
        DARK = "dark"

    theme = models.CharField(max_length=6, choices=Theme, default=Theme.SYSTEM)
    timezone = models.CharField(
        max_length=64, blank=True, default="", help_text="Zone in which times are shown; empty is the browser's own."
    )
    single_keys = models.BooleanField(default=True, help_text="Single keys answer on the desk (WCAG 2.1.4).")
    keys = models.JSONField(default=dict, blank=True, help_text="Keys that this person has changed: action to key.")

    def name(self) -> str:
        return self.get_full_name() or self.username


class Can(models.TextChoices):
    """What a route may ask of a role."""

    LABEL = "label"
    SEE = "see"
    REVIEW = "review"
    CHANGE = "change"
    ADMINISTER = "administer"


class Role(models.TextChoices):
    ANNOTATOR = "annotator"
    REVIEWER = "reviewer"
    ENGINEER = "engineer"
    ADMIN = "admin"

    def can(self, what: Can) -> bool:
        return what in ABILITIES[self]


ABILITIES: dict[Role, frozenset[Can]] = {
    Role.ANNOTATOR: frozenset({Can.LABEL}),
    Role.REVIEWER: frozenset({Can.LABEL, Can.SEE, Can.REVIEW}),
    Role.ENGINEER: frozenset({Can.LABEL, Can.SEE, Can.REVIEW, Can.CHANGE}),
    Role.ADMIN: frozenset(Can),
}
