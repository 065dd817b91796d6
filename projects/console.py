"""The admin console: Django's admin behind our sign-in, for superusers; what a domain module owns is read-only."""

from collections.abc import Iterable
from typing import Any, cast

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import BinaryField, ForeignKey, JSONField, Model, TextField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver
from django.urls import reverse as address
from django.utils import timezone

from projects import audit
from projects.guards import Guard, declare, public
from projects.models import Project, User

WIDE = (BinaryField, JSONField, TextField)


class Console(admin.AdminSite):
    """Every route declares its guard like those of our own pages."""

    site_header = "Plumbline console"
    site_title = "Plumbline"
    index_title = "Tables"
    site_url = "/"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Tables of other packages, such as those of the sign-in throttle, are shown and not edited."""
        ours = admin_class is not None and issubclass(admin_class, AuditedAdmin)
        super().register(model_or_iterable, admin_class if ours else TableAdmin, **(options if ours else {}))

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

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """One's own password is changed on the account page, where the audit trail sees it."""
        return redirect("projects:account")


def routes(patterns: Iterable[URLPattern | URLResolver]) -> Iterable[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        else:
            yield pattern


class AuditedAdmin(admin.ModelAdmin):
    """A table whose every change is an audit event. Nothing is deleted here, because what hangs on it would go too.

    Django calls the log methods after each write: of a form, of the list and of a new password.
    """

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """None as well for a number beyond the database's, which Django asks for where a relation is the key."""
        key = self.model._meta.pk
        target: Any = key.target_field if isinstance(key, ForeignKey) else key
        try:
            if from_field is None:
                target.run_validators(target.to_python(object_id))
        except ValidationError:
            return None
        return super().get_object(request, object_id, from_field)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write what the form changed and nothing else: the rest of the row may have moved on since it was loaded."""
        columns = {field.name for field in obj._meta.concrete_fields}
        obj.save(update_fields=columns.intersection(form.changed_data) if change else None)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        _record("console.add", request, obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        _record("console.change", request, obj, message)
        return super().log_change(request, obj, message)


def _record(action: str, request: HttpRequest, obj: Any, message: Any) -> None:
    """`message` is Django's own: a list of parts such as {"changed": {"fields": ["Title"]}}."""
    parts = message if isinstance(message, list) else []
    fields = [name for part in parts for what in part.values() for name in what.get("fields", [])]
    audit.record(
        action,
        by=cast(User, request.user),  # behind the console's own guard
        at=timezone.now(),
        project=obj if isinstance(obj, Project) else getattr(obj, "project", None),
        target=f"{obj._meta.label} {obj.pk}",
        details={"name": str(obj), "fields": fields},
    )


class TableAdmin(AuditedAdmin):
    """A table as it is: plain columns, foreign keys by number (no list of a million rows), binary left out.

    `editable` names the columns that the console may change; every other is owned by a domain module.
    """

    list_per_page = 50
    show_full_result_count = False
    editable: tuple[str, ...] = ()

    def __init__(self, model: type[Model], site: admin.AdminSite) -> None:
        fields = model._meta.concrete_fields
        foreign = [field.name for field in fields if isinstance(field, ForeignKey)]
        self.raw_id_fields = foreign  # type: ignore[misc]
        self.list_select_related = foreign or False  # type: ignore[misc]
        self.exclude = [field.name for field in fields if isinstance(field, BinaryField)]  # type: ignore[misc]
        self.list_display: Any = [field.name for field in fields if not isinstance(field, WIDE)][:9]
        self.readonly_fields: Any = [field.name for field in fields if field.name not in self.editable]  # type: ignore[misc]
        super().__init__(model, site)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.editable) and super().has_change_permission(request, obj)


def register(app: str, *, editable: dict[str, tuple[str, ...]] | None = None) -> None:
    """Register every model of an app: read-only, but for the columns named in `editable` (model to columns)."""
    for model in apps.get_app_config(app).get_models():
        if not admin.site.is_registered(model):
            columns = (editable or {}).get(model.__name__, ())
            admin.site.register(model, type(f"{model.__name__}Table", (TableAdmin,), {"editable": columns}))
