"""Models of imports and exports that run as jobs: uploaded files, what became of their rows, and files to download."""

import re

from django.db import models

from annotation.models.job_records import JobRecord
from projects.ids import new_id
from projects.models import User

NAME_LENGTH = 200
TABLE_OF_ZIP = re.compile(r"(?<=\.zip)\.(csv|jsonl)$", re.IGNORECASE)


def upload_id() -> str:
    return new_id("upload")


def import_id() -> str:
    return new_id("import")


def export_id() -> str:
    return new_id("export")


class StoredUpload(models.Model):
    """A file that a person sent and nobody else sees, kept until `expires_at` (annotation.uploads)."""

    uid = models.CharField(max_length=40, unique=True, default=upload_id, editable=False)
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    name = models.CharField(max_length=NAME_LENGTH, help_text="As its sender called it; never a path of this server.")
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="upload_by_end")]

    def __str__(self) -> str:
        return self.name

    @property
    def sent_name(self) -> str:
        """The name of the file that was sent: of the table of photos.zip, which is photos.zip.csv, photos.zip."""
        return TABLE_OF_ZIP.sub("", self.name)


class Transfer(JobRecord):
    """What imports and exports share."""

    format = models.CharField(max_length=40)

    class Meta:
        abstract = True


class DataImport(Transfer):
    """An uploaded file on its way into a project. The counts are those of the rows that were read so far, and are
    written in the transaction that keeps these rows."""

    uid = models.CharField(max_length=40, unique=True, default=import_id, editable=False)
    upload = models.ForeignKey(StoredUpload, models.SET_NULL, null=True, blank=True, related_name="imports")
    name = models.CharField(max_length=NAME_LENGTH, help_text="Of the file.")
    size = models.PositiveBigIntegerField(help_text="Bytes of the file.")
    options = models.JSONField(help_text="How the file is read: annotation.import_options.ImportOptions.")
    dry_run = models.BooleanField(default=False, help_text="Count only; keep no row.")
    rows = models.PositiveBigIntegerField(null=True, blank=True, help_text="Of the whole file, where it says so.")
    rows_read = models.PositiveBigIntegerField(default=0)
    bytes_read = models.PositiveBigIntegerField(default=0)
    created = models.PositiveBigIntegerField(default=0)
    existing = models.PositiveBigIntegerField(default=0)
    known = models.PositiveBigIntegerField(default=0, help_text="Of the created rows, those with an agreed label.")
    signals = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["project", "-id"], name="import_by_project")]

    def __str__(self) -> str:
        return f"{self.name} ({self.uid})"

    @property
    def share(self) -> float:
        """How much of the file has been read, 0 to 1."""
        if self.rows:
            return min(self.rows_read / self.rows, 1.0)
        return min(self.bytes_read / self.size, 1.0) if self.size else 0.0


class RefusedImportRow(models.Model):
    """A row of a file that was not kept, or not whole, with the reason: the first of an import, not all of millions."""

    data_import = models.ForeignKey(DataImport, models.CASCADE, related_name="refused_rows")
    number = models.PositiveBigIntegerField(help_text="Of the record in its file, from 1.")
    error = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["data_import", "number"], name="refused_by_number")]

    def __str__(self) -> str:
        return f"Row {self.number}: {self.error}"


class DataExport(Transfer):
    """Items of a project on their way into a file, which its maker can download until `expires_at`."""

    uid = models.CharField(max_length=40, unique=True, default=export_id, editable=False)
    viewer = models.ForeignKey(
        User,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of items that this person labels blind only the inputs leave; null: everything does.",
    )
    raw_cells = models.BooleanField(default=False)
    full = models.BooleanField(default=False)
    query = models.TextField(
        blank=True, default="", db_default="", help_text="Filters of the list of items; blank: all."
    )
    items = models.PositiveBigIntegerField(default=0, help_text="Written so far.")
    size = models.PositiveBigIntegerField(null=True, blank=True, help_text="Bytes of the file once it is whole.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When the file is removed.")

    class Meta:
        indexes = [
            models.Index(fields=["project", "-id"], name="export_by_project"),
            models.Index(fields=["expires_at"], name="export_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.format} of {self.project_id} ({self.uid})"
