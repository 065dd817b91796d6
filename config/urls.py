"""The site map."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, include, path

from annotation.views import feedback
from config.api import api
from config.api_docs import api_docs
from projects.guards import public

handler500 = "projects.views.errors.server_error"


@public
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it on pages that name no icon, such as the console's."""
    return HttpResponseRedirect("/static/icon.svg")


urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("projects.urls")),
    path("", include("jobs.urls")),
    path("projects/new/", include("overview.new_project_urls")),
    path("backtests/", include("overview.backtest_urls")),
    *(path("p/<slug:slug>/", include(f"{app}.urls")) for app in ("overview", "annotation", "analysis", "retraining")),
    path("api/v1/docs", api_docs, name="api-docs"),
    path("api/v1/", api.urls),
    path("feedback/<str:version>/plumbline-feedback.js", feedback.component, name="feedback-component"),
    path("feedback/<str:token>/signals", feedback.send_signal, name="feedback-signal"),
    path("admin/", admin.site.urls),
    path("favicon.ico", favicon, name="favicon"),
]
