"""The admin console: Django's admin behind our sign-in, for superusers, with append-only tables read-only."""

from collections.abc import Iterable
from typing import Any, cast

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import BinaryField, ForeignKey, JSONField, Model, TextField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver
from django.urls import reverse as address
from django.utils import timezone

from projects import audit
from projects.guards import Guard, declare, public
from projects.models import User

WIDE = (BinaryField, JSONField, TextField)


class Console(admin.AdminSite):
    """Every route declares its guard like those of our own pages."""

    site_header = "Plumbline console"
    site_title = "Plumbline"
    index_title = "Tables"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def get_urls(self) -> list[Any]:
        urls = super().get_urls()
        for pattern in routes(urls):
            if not hasattr(pattern.callback, "guard"):
                declare(pattern.callback, Guard("superuser"))
        return urls

    @public
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Our own sign-in, so that the throttle and the audit trail see every attempt."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied("Only an admin of this installation can open the console.")
        if request.user.is_authenticated:
            return redirect("admin:index")
        return redirect_to_login(request.GET.get("next") or address("admin:index"), address("projects:sign-in"))


def routes(patterns: Iterable[URLPattern | URLResolver]) -> Iterable[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        else:
            yield pattern


class TableAdmin(admin.ModelAdmin):
    """A table as it is: plain columns, foreign keys by number (no list of a million rows), binary left out.

    What is changed here stands in the audit trail; nothing is deleted here, because what hangs on it would go too.
    """

    list_per_page = 50
    show_full_result_count = False

    def __init__(self, model: type[Model], site: admin.AdminSite) -> None:
        fields = model._meta.concrete_fields
        foreign = [field.name for field in fields if isinstance(field, ForeignKey)]
        self.raw_id_fields = foreign  # type: ignore[misc]
        self.list_select_related = foreign or False  # type: ignore[misc]
        self.exclude = [field.name for field in fields if isinstance(field, BinaryField)]  # type: ignore[misc]
        self.list_display: Any = [field.name for field in fields if not isinstance(field, WIDE)][:9]
        super().__init__(model, site)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            audit.record(
                "console.change" if change else "console.add",
                by=cast(User, request.user),  # behind the console's own guard
                at=timezone.now(),
                target=f"{obj._meta.label} {obj.pk}",
                details={"fields": form.changed_data},
            )


class ReadOnlyAdmin(TableAdmin):
    """What happened is not edited here: append-only tables, and those whose rows only the domain may write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def register(app: str, *, editable: Iterable[str] = ()) -> None:
    """Register every model of an app: read-only, but for those named as editable."""
    for model in apps.get_app_config(app).get_models():
        if not admin.site.is_registered(model):
            admin.site.register(model, TableAdmin if model.__name__ in set(editable) else ReadOnlyAdmin)
