from django.urls import path

from jobs import views, webhook_views

app_name = "jobs"
urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.show_metrics, name="metrics"),
    path("health/", views.show_health, name="health"),
    path("jobs/", views.all_jobs, name="all-jobs"),
    path("jobs/<int:job_id>/requeue/", views.requeue_any, name="requeue-any"),
    path("jobs/<int:job_id>/stop/", views.stop_any, name="stop-any"),
    path("p/<slug:slug>/jobs/", views.job_list, name="job-list"),
    path("p/<slug:slug>/jobs/<int:job_id>/requeue/", views.requeue, name="requeue"),
    path("p/<slug:slug>/jobs/<int:job_id>/stop/", views.stop, name="stop"),
    path("p/<slug:slug>/webhooks/", webhook_views.webhook_list, name="webhook-list"),
    path("p/<slug:slug>/webhooks/create/", webhook_views.create_webhook, name="create-webhook"),
    path("p/<slug:slug>/webhooks/<str:endpoint_uid>/", webhook_views.webhook, name="webhook"),
    path("p/<slug:slug>/webhooks/<str:endpoint_uid>/change/", webhook_views.change_webhook, name="change-webhook"),
    path("p/<slug:slug>/webhooks/<str:endpoint_uid>/rotate/", webhook_views.rotate_webhook, name="rotate-webhook"),
    path("p/<slug:slug>/webhooks/<str:endpoint_uid>/switch/", webhook_views.switch_webhook, name="switch-webhook"),
    path("p/<slug:slug>/webhooks/<str:endpoint_uid>/remove/", webhook_views.remove_webhook, name="remove-webhook"),
    path(
        "p/<slug:slug>/webhooks/<str:endpoint_uid>/<int:delivery_id>/replay/",
        webhook_views.replay_delivery,
        name="replay-delivery",
    ),
]
