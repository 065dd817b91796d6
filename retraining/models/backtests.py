"""Backtests that a person asked for on the page, and what became of each."""

from django.conf import settings
from django.db import models

from annotation.models import StoredUpload
from annotation.models.file_jobs import NAME_LENGTH
from jobs.models import Job, WorkState, work_state
from projects.ids import new_id


def backtest_id() -> str:
    return new_id("backtest")


class Backtest(models.Model):
    """A labelled file that its owner uploaded, how it is replayed, and the figures once they are there."""

    uid = models.CharField(max_length=40, unique=True, default=backtest_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    upload = models.ForeignKey(StoredUpload, models.SET_NULL, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=NAME_LENGTH, help_text="Of the file.")
    options = models.JSONField(help_text="retraining.backtest.options.BacktestOptions, without the file's path.")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True, help_text="Null: there are no figures.")
    figures = models.JSONField(null=True, blank=True, help_text="As the command writes them.")
    error = models.TextField(blank=True, default="", help_text="Why there are none, in a sentence.")

    class Meta:
        indexes = [models.Index(fields=["owner", "-id"], name="backtest_by_owner")]

    def __str__(self) -> str:
        return f"{self.name} ({self.uid})"

    @property
    def state(self) -> WorkState:
        return work_state(self.job, finished=self.finished_at is not None, error=self.error)

    @property
    def is_open(self) -> bool:
        return self.state.is_open
