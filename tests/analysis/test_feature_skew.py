"""Training-serving skew: captured items beside a file of features, by key, by time, by an entity of theirs."""

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from analysis.feature_skew import KIND, SkewBody
from analysis.reports.stored import newest
from annotation.models import ContractViolation
from projects.models import InputContract, Project
from tests.factories import NOW, make_item, make_project

pytestmark = pytest.mark.django_db
INPUTS = {"amount": {"type": "number"}, "country": {"type": "category"}, "opened": {"type": "time"}}


@pytest.fixture
def project() -> Project:
    project = make_project("loans", inputs=INPUTS)
    InputContract.objects.filter(project=project).update(segments=["customer"])
    return project


def serve(project: Project, key: str, *, hours: int = 0, customer: str = "", **inputs: Any) -> Any:
    given = {"amount": 1.0, "country": "de", "opened": "2026-01-01T00:00:00Z", **inputs}
    segment = {"customer": customer} if customer else {}
    return make_item(project, key, inputs=given, at=NOW + timedelta(hours=hours), segment=segment)


def compare(file: Path, *arguments: str, capsys: Any) -> dict[str, Any]:
    call_command("compare_features", "loans", str(file), "--json", *arguments)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def by_name(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in body["features"]}


def test_items_are_compared_by_their_key(project: Project, tmp_path: Path, capsys: Any) -> None:
    for place in range(10):
        serve(project, f"k{place}", amount=float(place))
    serve(project, "elsewhere")
    table = pd.DataFrame({"key": [f"k{place}" for place in range(10)], "amount": [float(place) for place in range(10)]})
    table["opened"] = "2026-01-01T01:00:00+01:00"  # the same moment, written in another zone
    table.loc[3, "amount"] = 7.0
    table.to_csv(tmp_path / "training.csv", index=False)
    body = compare(tmp_path / "training.csv", capsys=capsys)
    assert (body["items"], body["matched"], body["point_in_time"]) == (11, 10, False)
    found = by_name(body)
    assert set(found) == {"amount", "opened"}  # the file says nothing of country
    assert (found["amount"]["rate"]["value"], found["amount"]["different"], found["amount"]["numbers"]) == (0.1, 1, 10)
    assert (found["amount"]["mean_difference"], found["opened"]["different"]) == (0.4, 0)
    assert [(one["key"], one["serving"], one["training"]) for one in found["amount"]["examples"]] == [
        ("k3", "3.0", "7.0")
    ]
    assert found["amount"]["rate"]["low"] < 0.1 < found["amount"]["rate"]["high"]


def test_with_times_an_item_is_compared_with_what_was_known_then(project: Project, tmp_path: Path, capsys: Any) -> None:
    serve(project, "m1", hours=0, customer="c1", amount=1.0)
    serve(project, "m2", hours=2, customer="c1", amount=1.0)
    serve(project, "m3", hours=-9, customer="c1", amount=1.0)  # before the first row
    rows = [
        {"key": "c1", "time": (NOW + timedelta(hours=h)).isoformat(), "amount": a} for h, a in ((-1, 1.0), (1, 2.0))
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "features.parquet")
    body = compare(tmp_path / "features.parquet", "--time", "time", "--entity", "customer", capsys=capsys)
    assert (body["matched"], body["point_in_time"], by_name(body)["amount"]["different"]) == (2, True, 1)
    assert [one["key"] for one in by_name(body)["amount"]["examples"]] == ["m2"]


def test_a_value_that_broke_the_contract_counts_as_it_was_served(project: Project, tmp_path: Path, capsys: Any) -> None:
    item = serve(project, "k", amount=None)
    ContractViolation.objects.create(project=project, item=item, input="amount", rule="min", given=-5, at=NOW)
    (tmp_path / "f.csv").write_text("key,amount\nk,-5\n")
    assert by_name(compare(tmp_path / "f.csv", capsys=capsys))["amount"]["different"] == 0


def test_the_report_is_stored_for_the_page(project: Project, tmp_path: Path, capsys: Any) -> None:
    serve(project, "k")
    (tmp_path / "f.csv").write_text("key,amount\nk,2\n")
    call_command("compare_features", "loans", str(tmp_path / "f.csv"))
    assert "1 of the newest 1 items have a row among 1; 0 rows refused." in capsys.readouterr().out
    report = newest(project, KIND)
    assert report is not None and isinstance(report.body, SkewBody)
    assert (report.body.file, report.body.features[0].mean_difference) == ("f.csv", 1.0)


@pytest.mark.parametrize(
    ("name", "content", "arguments", "words"),
    [
        ("f.csv", b"key,other\nk,1\n", [], "none of the project's inputs"),
        ("f.csv", b"", [], "f.csv: "),
        ("f.csv", b"key,amount,t\nk,1,soon\n", ["--time", "t"], "its time is 'soon'"),
        ("f.csv", b"key,amount\nk,1\n", ["--entity", "shop"], "entity is 'shop'; it takes "),
        ("f.parquet", b"PAR1", [], "f.parquet: "),
        ("f.csv", gzip.compress(b"key,amount\nk,1\n" * 99)[:40], [], "not whole gzip"),
        ("f.txt", b"x", [], "f.txt does not say its format"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(
    project: Project, tmp_path: Path, name: str, content: bytes, arguments: list[str], words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError) as why:
        call_command("compare_features", "loans", str(tmp_path / name), *arguments)
    assert words in str(why.value)
    assert newest(project, KIND) is None
