"""Adding an index to a table that is large and in use, as a migration's operation."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class AddIndexOnline(migrations.AddIndex):
    """Adds an index while others read and write: CONCURRENTLY on PostgreSQL, where a plain one stops all writes.

    It runs in a migration that is not atomic, so it may have been stopped half way, or the index made by an earlier
    release: one that is there stays, and one that PostgreSQL left behind as invalid is made again.
    """

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        options: dict[str, Any] = {}
        if schema_editor.connection.vendor == "postgresql":
            options = {"concurrently": True}
            self._drop_invalid(schema_editor)
        if not self._exists(schema_editor, model):
            schema_editor.add_index(model, self.index, **options)

    def _exists(self, schema_editor: BaseDatabaseSchemaEditor, model: Any) -> bool:
        connection = schema_editor.connection
        with connection.cursor() as cursor:
            return self.index.name in connection.introspection.get_constraints(cursor, model._meta.db_table)

    def _drop_invalid(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid",
                [schema_editor.quote_name(self.index.name)],
            )
            if cursor.fetchone():
                cursor.execute(f"DROP INDEX CONCURRENTLY {schema_editor.quote_name(self.index.name)}")
