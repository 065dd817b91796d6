"""The pages on which a project is made, under projects/new/."""

from django.urls import path

from overview import new_project_views as views

app_name = "new_project"

urlpatterns = [
    path("", views.start, name="start"),
    path("file", views.take_file, name="file"),
    path("sample", views.take_sample, name="sample"),
    path("empty", views.from_nothing, name="empty"),
    path("<str:upload_uid>", views.from_upload, name="from-upload"),
]
