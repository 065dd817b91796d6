"""Addresses of the pages of annotation, under p/<slug>/."""

from django.urls import path

from annotation.views import (
    desk,
    exchange,
    feedback_keys,
    guideline,
    input_settings,
    items,
    label_change,
    label_schema,
    ml_backends,
    queues,
    review,
    routing_settings,
    side_questions,
    transfers,
)

app_name = "annotation"

urlpatterns = [
    # The desk
    path("desk/", desk.page, name="desk"),
    path("desk/leases", desk.claim, name="desk-leases"),
    path("desk/leases/<str:token>", desk.show_lease, name="desk-lease"),
    path("desk/answers", desk.submit_answers, name="desk-answers"),
    path("desk/beat", desk.beat, name="desk-beat"),
    path("desk/back", desk.give_back, name="desk-back"),
    path("desk/guideline", desk.guideline, name="desk-guideline"),
    # Queues
    path("queues/", queues.listing, name="queue-list"),
    path("queues/<slug:queue>/", queues.detail, name="queue"),
    path("queues/<slug:queue>/pause", queues.pause, name="queue-pause"),
    path("queues/<slug:queue>/delete", queues.delete, name="queue-delete"),
    path("queues/<slug:queue>/decide", queues.decide_item, name="queue-decide"),
    path("queues/<slug:queue>/settings", routing_settings.queue_form, name="queue-settings"),
    # Settings
    path("settings/labels/", label_schema.label_schema, name="label-schema"),
    path("settings/labels/change/", label_change.label_change, name="label-change"),
    path("settings/inputs/", input_settings.input_settings, name="input-settings"),
    path("settings/side-questions/", side_questions.side_questions, name="side-questions"),
    path("settings/guideline/", guideline.guideline, name="guideline"),
    path("settings/routing/", routing_settings.routing, name="routing"),
    # Review
    path("review/", review.review, name="review"),
    path("review/decide", review.decide_dispute, name="review-decide"),
    # Import and export
    path("exchange/", exchange.exchange, name="exchange"),
    path("exchange/upload", exchange.upload, name="exchange-upload"),
    path("exchange/uploads/<str:upload_uid>", exchange.show_upload, name="upload"),
    path("exchange/uploads/<str:upload_uid>/import", exchange.start_import, name="upload-import"),
    path("exchange/export", exchange.export, name="exchange-export"),
    path("exchange/exports", exchange.start_export, name="exchange-exports"),
    path("exchange/imports/<str:import_uid>", transfers.import_status, name="import"),
    path("exchange/imports/<str:import_uid>/keep", transfers.keep_tried, name="import-keep"),
    path("exchange/imports/<str:import_uid>/resume", transfers.resume_import, name="import-resume"),
    path("exchange/imports/<str:import_uid>/stop", transfers.stop_import, name="import-stop"),
    path("exchange/imports/<str:import_uid>/refused.csv", transfers.refused_rows, name="import-refused"),
    path("exchange/exports/<str:export_uid>", transfers.export_status, name="export"),
    path("exchange/exports/<str:export_uid>/file", transfers.exported_file, name="export-file"),
    # Feedback keys
    path("feedback-keys/", feedback_keys.key_list, name="feedback-key-list"),
    path("feedback-keys/create/", feedback_keys.create_key, name="create-feedback-key"),
    path("feedback-keys/<int:feedback_key_id>/revoke/", feedback_keys.revoke_key, name="revoke-feedback-key"),
    # ML backends
    path("ml-backends/", ml_backends.backend_list, name="ml-backend-list"),
    path("ml-backends/add/", ml_backends.add_backend, name="add-ml-backend"),
    path("ml-backends/<str:backend_uid>/ask/", ml_backends.ask_now, name="ask-ml-backend"),
    path("ml-backends/<str:backend_uid>/switch/", ml_backends.switch_backend, name="switch-ml-backend"),
    path("ml-backends/<str:backend_uid>/remove/", ml_backends.remove_backend, name="remove-ml-backend"),
    # Items
    path("media/<str:sha256>", items.image, name="media"),
]
