"""The Overview page, under p/<slug>/."""

from django.urls import path

from overview import views

app_name = "overview"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("first-key/", views.first_key, name="first-key"),
]
