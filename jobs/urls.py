from django.urls import path

from jobs import views

app_name = "jobs"
urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("health/", views.show_health, name="health"),
    path("jobs/", views.all_jobs, name="all-jobs"),
    path("jobs/<int:job_id>/requeue/", views.requeue_any, name="requeue-any"),
    path("jobs/<int:job_id>/stop/", views.stop_any, name="stop-any"),
    path("p/<slug:slug>/jobs/", views.job_list, name="job-list"),
    path("p/<slug:slug>/jobs/<int:job_id>/requeue/", views.requeue, name="requeue"),
    path("p/<slug:slug>/jobs/<int:job_id>/stop/", views.stop, name="stop"),
]
