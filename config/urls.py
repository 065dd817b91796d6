"""The site map."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config.api import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("projects.urls")),
    path("", include("jobs.urls")),
    *(
        path("p/<slug:slug>/", include(f"{app}.urls"))
        for app in ("annotation", "analysis", "retraining")
        if find_spec(f"{app}.urls")
    ),
    path("api/v1/", api.urls),
    path("admin/", admin.site.urls),
]
