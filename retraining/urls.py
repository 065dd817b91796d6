"""Addresses of the pages of retraining, under p/<slug>/."""

from django.urls import path

from retraining.views import (
    compare,
    decisions,
    lineage,
    pairs,
    policy,
    releases,
    rollouts,
    rules,
    runs,
    where_they_differ,
)

app_name = "retraining"

run_urls = [
    path("runs/", runs.run_list, name="run-list"),
    path("runs/start/", runs.start, name="run-start"),
    path("runs/new-to-learn-from/", runs.new_items, {"split": "train"}, name="new-train"),
    path("runs/new-to-measure-with/", runs.new_items, {"split": "evaluation"}, name="new-evaluation"),
    path("runs/<int:number>/", runs.run_detail, name="run"),
    path("runs/<int:number>/trained-on/", runs.run_items, {"split": "train"}, name="run-train"),
    path("runs/<int:number>/measured-with/", runs.run_items, {"split": "evaluation"}, name="run-evaluation"),
    path("runs/<int:number>/stop/", runs.stop, name="run-stop"),
]
compare_urls = [
    path("compare/", pairs.compare_any, name="compare-any"),
    path("compare/cases/", pairs.cases, name="compare-any-cases"),
    path("compare/<int:number>/", compare.compare, name="compare"),
    path("compare/<int:number>/differences.csv", compare.differences, name="compare-csv"),
    path("compare/<int:number>/promote/", compare.promote, name="promote"),
    path("compare/<int:number>/judge/", compare.request_judgement, name="judge"),
    path("compare/<int:number>/ask/", compare.request_labels, name="ask"),
    path("compare/<int:number>/disagreements/find/", where_they_differ.find, name="disagreement-find"),
    path("compare/<int:number>/disagreements/ask/", where_they_differ.request_more, name="disagreement-ask"),
    path("compare/<int:number>/disagreements/<slug:part>/", where_they_differ.items, name="disagreement-items"),
    path("compare/<int:number>/disagreements/<slug:part>/ask/", where_they_differ.ask_again, name="disagreement-again"),
    path("compare/<int:number>/<slug:outcome>/", compare.cases, name="compare-cases"),
    path("compare/<int:number>/<slug:outcome>/ask/", compare.ask_again, name="compare-ask"),
]
release_urls = [
    path("releases/", releases.release_list, name="release-list"),
    path("releases/roll-back/", releases.roll_back, name="roll-back"),
    path("releases/beside/", rollouts.begin, name="rollout-begin"),
    path("releases/beside/raise/", rollouts.grow, name="rollout-grow"),
    path("releases/beside/promote/", rollouts.promote, name="rollout-promote"),
    path("releases/beside/end/", rollouts.end, name="rollout-end"),
    path("releases/shadow/", rollouts.shadow_items, name="shadow"),
    path("releases/shadow/queue/", rollouts.shadow_queue, name="shadow-queue"),
    path("releases/threshold/", rules.release_rule, {"kind": "threshold"}, name="release-threshold"),
    path("releases/policy/", rules.release_rule, {"kind": "policy"}, name="release-policy"),
    path("releases/threshold/roll-back/", rules.roll_back_rule, {"kind": "threshold"}, name="roll-back-threshold"),
    path("releases/policy/roll-back/", rules.roll_back_rule, {"kind": "policy"}, name="roll-back-policy"),
    path("settings/retraining/", policy.policy, name="policy"),
]
item_urls = [
    path("items/<str:uid>/decisions/<int:pk>/", decisions.decision, name="decision"),
    path("items/<str:uid>/lineage/", lineage.lineage, name="item-lineage"),
]
urlpatterns = [*item_urls, *run_urls, *compare_urls, *release_urls]
