"""Addresses of the pages of analysis, under p/<slug>/."""

from django.urls import path

from analysis.views import (
    errors,
    feature_comparison,
    input_contract,
    item,
    items,
    label_quality,
    outcomes,
    performance,
    queue_rules,
    signals,
)

app_name = "analysis"

urlpatterns = [
    path("performance/", performance.performance, name="performance"),
    path("errors/", errors.errors, name="errors"),
    path("errors/queue/", errors.queue_slice, name="errors-queue"),
    path("input-contract/", input_contract.input_contract, name="input-contract"),
    path("input-contract/compare", feature_comparison.compare_features, name="compare-features"),
    path("signals/", signals.signals, name="signals"),
    path("outcomes/", outcomes.outcomes, name="outcomes"),
    path("label-quality/", label_quality.label_quality, name="label-quality"),
    path("label-quality/queue/", label_quality.queue_suspects, name="label-quality-queue"),
    path("label-quality/<int:pk>/", label_quality.decide_suspect, name="label-quality-decide"),
    path("queue-rules/", queue_rules.rules, name="queue-rules"),
    path("queue-rules/new/", queue_rules.new_rule, name="queue-rule-new"),
    path("queue-rules/of/<slug:queue>/", queue_rules.edit_rule, name="queue-rule"),
    path("items/", items.item_list, name="item-list"),
    path("items/queue/", items.queue_selection, name="item-queue"),
    path("items/export/", items.export_selection, name="item-export"),
    path("items/tag/", items.tag_selection, name="item-tag"),
    path("items/views/", items.save_view, name="item-view-save"),
    path("items/views/<int:view>/", items.change_view, name="item-view-change"),
    path("items/<str:uid>/", item.item, name="item"),
    path("items/<str:uid>/neighbours/", item.neighbours, name="item-neighbours"),
]
