"""What PostgreSQL does in its own way: it refuses a NUL or half a surrogate pair in a text, compares texts by its own
rules, and takes rows by other statements. The same tests again, there, in one run."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 900  # seconds
AGAIN = {
    "odd requests are answered below 500": (
        "tests/test_malformed.py",
        "in_the_query or in_a_form or good_body or address",
    ),
    "search finds the same": ("tests/annotation/test_search.py", ""),
    "indexes are added while others write": ("tests/annotation/test_index_migrations.py", ""),
    "an even sample of answers is read": ("tests/analysis/test_unlabelled_accuracy.py", "even_sample or any_size"),
    "rows are stored in bulk": ("tests/projects/test_bulk_insert.py", ""),
    "batches cut and sent again keep each event once": ("tests/annotation/test_cut_batches.py", ""),
    "values that break the contract are kept and counted": ("tests/annotation/test_contract_violations.py", ""),
    "a dry run answers the same": ("tests/annotation/test_dry_run.py", ""),
    "capture stores the same": ("tests/annotation/test_capture.py", ""),
    "the list of versions is the same": ("tests/annotation/test_versions.py", ""),
    "an imported project is the same": ("tests/overview/project_archive", "row_by_row or trail or given_again"),
    "items are filtered and sorted the same": ("tests/analysis/test_item_filters.py", ""),
    "items are found by side answers": ("tests/analysis/test_side_conditions.py", "agreed or differ"),
    "an import is whole after a kill": ("tests/annotation/test_import_jobs.py", "killed or lease or says_what"),
    "labels are merged, split and restored": ("tests/annotation/test_label_changes.py", ""),
    "labels are merged within answers": ("tests/annotation/test_label_changes_of_parts.py", ""),
    "a released version is waited for": ("tests/retraining/test_released.py", "304_until or a_wait_ends or holds_no"),
    "settings are saved once, or refused": ("tests/annotation/test_label_schemas.py", "twice or old_tab"),
    "an archived project is read-only": ("tests/projects/test_archiving.py", "captured or goes_on or one_event"),
    "a desk is given what waits, and what silent desks hold": ("tests/annotation/test_desk_buffer.py", ""),
    "claims are served while items are left": (
        "tests/annotation/routing/test_capacity.py",
        "claim or served or desk or round",
    ),
    "a breach is sent once": ("tests/annotation/test_breaches.py", ""),
    "ids come in blocks": ("tests/projects/test_id_blocks.py", "block"),
}
pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def outcomes(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """How each test ended that ran again on PostgreSQL, by its module; a failure with what pytest said of it."""
    report = tmp_path_factory.mktemp("again") / "report.xml"
    chosen = [f"({Path(path).name} and ({names}))" if names else Path(path).name for path, names in AGAIN.values()]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", "-p", "no:cacheprovider", "-k"]
        + [" or ".join(chosen), *(path for path, _ in AGAIN.values())],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": postgres_server, "PLUMBLINE_TEST_KEEP": "1"},
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    found: dict[str, list[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failed = [element.text or "" for element in case if element.tag in ("failure", "error", "skipped")]
        found.setdefault(case.attrib["classname"], []).append(
            f"{case.attrib['name']}: {failed}" if failed else "passed"
        )
    return found


@pytest.mark.parametrize("fact", AGAIN)
def test_it_is_the_same_on_postgresql(outcomes: dict[str, list[str]], fact: str) -> None:
    module = AGAIN[fact][0].removesuffix(".py").replace("/", ".")
    ended = [outcome for name, all_ in outcomes.items() if name.startswith(module) for outcome in all_]
    assert ended and set(ended) == {"passed"}, [outcome for outcome in ended if outcome != "passed"][:3]
