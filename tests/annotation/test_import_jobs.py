"""Imports as jobs: every row comes once, whatever kills the worker; each refused row is named; files end in time."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation import import_jobs, importing, uploads
from annotation.models import DataImport, Item, StoredUpload
from jobs import execution, faults
from jobs.models import Job, JobState, WorkState
from projects.models import Project, Role, User
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def homes(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_HOME = tmp_path


@pytest.fixture
def project() -> Project:
    return make_project("mail")


@pytest.fixture
def eva(project: Project) -> User:
    return make_user("eva", project, Role.ENGINEER)


def upload(owner: User, data: str, name: str = "rows.jsonl") -> StoredUpload:
    return uploads.store_upload([data.encode()], name=name, owner=owner, at=timezone.now())


def lines(count: int) -> str:
    """Rows without a key, each two times; the third of five is not taken."""
    made = [{"text": f"text {number // 2}"} if number % 5 != 2 else {"other": 7} for number in range(count)]
    return "\n".join(map(json.dumps, made))


def start(project: Project, owner: User, data: str, name: str = "rows.jsonl", **more: Any) -> DataImport:
    return import_jobs.start_import(project, upload(owner, data, name), by=owner, at=timezone.now(), **more)


def run(made: DataImport) -> DataImport:
    assert made.job is not None
    execution.run(made.job.pk)
    return DataImport.objects.select_related("job").get(pk=made.pk)


class Killed(BaseException):
    """What stands for SIGKILL here: nothing after it is done."""


def kill_at(monkeypatch: pytest.MonkeyPatch, name: str, places: set[int]) -> None:
    """End the worker where this fault point is passed for the so-many-th time."""
    passed = iter(range(10**6))

    def point(here: str) -> None:
        if here == name and next(passed) in places:
            raise Killed

    monkeypatch.setattr(faults, "point", point)


def lose_lease(made: DataImport) -> None:
    Job.objects.filter(pk=made.job_id).update(lease_until=timezone.now() - timedelta(minutes=1))


def outcome(made: DataImport) -> tuple[int, ...]:
    return (made.rows_read, made.created, made.existing, made.refused)


def test_an_uploaded_file_comes_in_and_says_what_became_of_each_row(project: Project, eva: User) -> None:
    made = run(start(project, eva, lines(20)))
    assert (made.state, *outcome(made)) == (WorkState.FINISHED, 20, 16, 0, 4)
    assert [row.number for row in made.refused_rows.order_by("number")] == [3, 8, 13, 18]
    assert made.bytes_read == made.size and made.share == 1
    assert outcome(run(start(project, eva, lines(20)))) == (20, 0, 16, 4)


def test_a_large_file_is_read_by_a_second_process_with_the_same_outcome(
    project: Project, eva: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 3)
    monkeypatch.setattr(import_jobs, "READ_AHEAD", 0)
    made = run(start(project, eva, lines(20)))
    assert (made.state, *outcome(made)) == (WorkState.FINISHED, 20, 16, 0, 4)
    assert [row.number for row in made.refused_rows.order_by("number")] == [3, 8, 13, 18]
    assert outcome(run(start(project, eva, lines(20)))) == (20, 0, 16, 4)
    assert run(start(project, eva, lines(6)[:-3])).error.startswith("Record 6 of the file is not whole JSON")


def test_a_dry_run_keeps_nothing(project: Project, eva: User) -> None:
    made = run(start(project, eva, lines(20), dry_run=True))
    assert (made.state, *outcome(made)) == (WorkState.FINISHED, 20, 16, 0, 4)
    assert not Item.objects.exists()


@pytest.mark.parametrize("name", ["inside_step", "after_step", "inside_commit"])
def test_an_import_killed_anywhere_goes_on_without_losing_or_doubling_a_row(
    project: Project, eva: User, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(importing, "BATCH", 3)
    made = start(project, eva, lines(20))
    kill_at(monkeypatch, name, {0, 3})
    for _ in range(3):
        try:
            run(made)
        except Killed:
            lose_lease(made)
    made = DataImport.objects.select_related("job").get(pk=made.pk)
    assert (made.state, *outcome(made)) == (WorkState.FINISHED, 20, 16, 0, 4)
    assert Item.objects.count() == 16 and made.refused_rows.count() == 4


def test_a_worker_that_lost_its_lease_keeps_no_further_row(
    project: Project, eva: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = start(project, eva, lines(4))
    assert made.job is not None
    late = execution.claim(made.job.pk, at=timezone.now(), worker="late")
    assert late is not None
    lose_lease(made)
    run(made)
    with pytest.raises(execution.Fenced), late.step(0.5):
        Item.objects.all().delete()
    assert Item.objects.count() == 3


def test_a_file_that_breaks_off_fails_with_the_reason_and_a_stopped_import_goes_on(
    project: Project, eva: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    made = run(start(project, eva, lines(6)[:-3]))
    assert made.state == WorkState.FAILED and "Record 6 of the file is not whole JSON" in made.error
    assert Item.objects.count() == 3
    other = start(project, eva, lines(6))
    assert other.job is not None
    Job.objects.filter(pk=other.job.pk).update(state=JobState.CANCELLED)
    other = DataImport.objects.select_related("job").get(pk=other.pk)
    assert other.state == WorkState.STOPPED
    other = import_jobs.resume_import(other, by=eva, at=timezone.now())
    assert outcome(run(other)) == (6, 2, 3, 1)
    with pytest.raises(import_jobs.NotResumable):
        import_jobs.resume_import(other, by=eva, at=timezone.now())


def test_a_file_is_refused_that_is_empty_or_too_large_and_nothing_is_left(eva: User, settings: Any) -> None:
    settings.UPLOAD_LIMIT = 10
    pulled = io.BytesIO(b"x" * 100)

    def parts() -> Iterator[bytes]:
        while part := pulled.read(4):
            yield part

    with pytest.raises(uploads.UploadTooLarge, match="at most 0 MiB"):
        uploads.store_upload(parts(), name="rows.csv", owner=eva, at=NOW)
    assert pulled.tell() == 12  # it is not read to its end
    with pytest.raises(uploads.UploadRefused, match="The file is empty"):
        uploads.store_upload([], name="rows.csv", owner=eva, at=NOW)
    assert not StoredUpload.objects.exists()
    assert not [path for path in settings.MEDIA_HOME.rglob("*") if path.is_file()]


def test_files_end_after_their_time_unless_an_import_still_reads_them(
    project: Project, eva: User, settings: Any
) -> None:
    made, left = start(project, eva, lines(2)), upload(eva, lines(2), "../../a\x00b\n.csv")
    assert left.name == "ab.csv"
    (settings.MEDIA_HOME / "uploads" / "upload_left").touch()
    later = timezone.now() + timedelta(days=settings.FILE_DAYS + 1)
    assert uploads.sweep(at=later) == 2
    assert StoredUpload.objects.get() == made.upload
    assert outcome(run(made)) == (2, 2, 0, 0)
    assert uploads.sweep(at=later) == 1
    made = DataImport.objects.select_related("job", "upload").get()
    assert made.upload is None and made.state == WorkState.FINISHED


def test_an_import_whose_file_is_gone_says_so(project: Project, eva: User) -> None:
    made = start(project, eva, lines(2))
    assert made.upload is not None
    uploads.remove_upload(made.upload)
    made = run(made)
    assert made.state == WorkState.FAILED and made.error == "rows.jsonl is no longer here; upload it again."


def test_the_page_of_an_import_polls_until_it_ends_and_gives_refused_rows_as_csv(project: Project, eva: User) -> None:
    client = Client()
    client.force_login(eva)
    made = start(project, eva, lines(5))
    page = reverse("annotation:import", args=["mail", made.uid])
    waiting = client.get(page, headers={"HX-Request": "true"}).content.decode()
    assert "every 1s" in waiting and "Waiting for a worker" in waiting and "<html" not in waiting
    run(made)
    done = client.get(page).content.decode()
    assert "every 1s" not in done and "<b>4\xa0rows</b>" in done and "Why were rows refused?" in done
    answer = client.get(reverse("annotation:import-refused", args=["mail", made.uid]))
    rows = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]  # a file streams
    assert rows[0] == "row,error" and rows[1].startswith("3,") and len(rows) == 2


def test_half_of_a_surrogate_pair_costs_its_row_alone(project: Project, eva: User, client: Client) -> None:
    rows = ['{"key": "a", "text": "\\ud800"}', '{"key": "\\udc00", "text": "b"}', '{"text": "c", "\\ud800": 3}']
    data = "\n".join([*rows, '{"key": "d", "text": "d"}'])
    client.force_login(eva)

    page = client.get(reverse("annotation:upload", args=[project.slug, upload(eva, data).uid]))
    made = run(start(project, eva, data))

    assert page.status_code == 200 and made.state == WorkState.FINISHED
    assert list(Item.objects.values_list("key", flat=True)) == ["d"]
    page = client.get(reverse("annotation:import", args=[project.slug, made.uid]))
    assert page.status_code == 200 and "half a surrogate pair" in page.content.decode()
