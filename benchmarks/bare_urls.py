"""The application's addresses and the bare view of a benchmark: see benchmarks.bare_view."""

from django.urls import include, path

from benchmarks.bare_view import claim_and_submit

urlpatterns = [path("bare", claim_and_submit), path("", include("config.urls"))]
