"""Stages and evidence of runs: what is written loads again, and so do the rows of before they had a version."""

import json
from datetime import UTC, datetime

import pytest

from retraining import run_records
from retraining.bodies import UnknownBody
from retraining.models import TrainingRun, TriggerCheck
from retraining.run_records import StageEntry, StagesBody, TriggerEvidence

STAGES = StagesBody(entries=(StageEntry(stage="Freeze the dataset", attempt=1, at=datetime(2026, 11, 27, tzinfo=UTC)),))
EVIDENCE = TriggerEvidence(code="unchanged", figures={"training": 8, "share": 0.5}, last_run=3)
STAGES_1 = [{"stage": "Freeze the dataset", "attempt": 1, "at": "2026-11-27T00:00:00+00:00"}]
EVIDENCE_1 = {"code": "unchanged", "training": 8, "share": 0.5, "last_run": 3}


def test_what_is_written_loads_again() -> None:
    stages, evidence = (json.loads(json.dumps(run_records.dump(one))) for one in (STAGES, EVIDENCE))
    assert (stages["version"], evidence["version"]) == (2, 2)
    assert run_records.load_stages(stages) == STAGES
    assert run_records.load_evidence(evidence) == EVIDENCE


def test_rows_without_a_version_load_as_they_were_meant() -> None:
    assert run_records.load_stages(STAGES_1) == STAGES
    assert run_records.load_stages([]) == StagesBody()
    assert run_records.load_evidence(EVIDENCE_1) == EVIDENCE
    assert run_records.load_evidence({}) == TriggerEvidence()
    assert run_records.load_evidence({"code": "asked"}) == TriggerEvidence(code="asked")


def test_an_unknown_form_is_refused_and_a_row_of_it_stands_as_one_without() -> None:
    with pytest.raises(UnknownBody):
        run_records.load_stages({"version": 3, "entries": []})
    with pytest.raises(UnknownBody):
        run_records.load_evidence({"version": 3})
    assert TrainingRun(stages={"version": 3}).load_stages() == StagesBody()
    assert TriggerCheck(evidence={"version": 3}).load_evidence() is None
