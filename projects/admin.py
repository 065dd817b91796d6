from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from projects import members
from projects.console import AuditedAdmin, register
from projects.models import User


class PersonForm(UserChangeForm):
    """A person's names and access; the installation keeps an admin who can sign in."""

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not (given.get("is_active") and given.get("is_superuser")):
            try:
                members.keep_a_superuser(self.instance)
            except members.MemberProblem as problem:
                raise ValidationError(str(problem)) from None
        return given


@admin.register(User)
class PersonAdmin(AuditedAdmin, UserAdmin):
    """People: names, whether they may sign in, and a new password; roles are given on the members page."""

    form = PersonForm
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Name", {"fields": ("first_name", "last_name", "email")}),
        ("May sign in", {"fields": ("is_active", "is_superuser", "last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    list_display = ("username", "first_name", "last_name", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    filter_horizontal = ()

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """The new password and its audit event are written together or not at all."""
        return super().user_change_password(request, id, form_url)


admin.site.unregister(Group)  # roles are given in projects; a group would have no effect
register(
    "projects",
    editable={
        "Project": (
            "title",
            "costs",
            "positive",
            "safe_default",
            "outcome_matures_after_days",
            "contract_violations",
            "retraining",
            "routing",
        )
    },
)
