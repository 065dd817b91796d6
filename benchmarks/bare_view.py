"""A bare view that claims and submits one row at a time, beside the application in one server, and statements counted.

`STARTER` starts a command of the application with an address more, and with headers that say how many SQL statements
an answer took. benchmarks.desk_throughput compares the desk with it.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

STARTER = ("-c", "from benchmarks.bare_view import start; start()")
STATEMENTS, CPU = "X-Statements", "X-Thread-Milliseconds"
MAKE = (
    "DROP TABLE IF EXISTS bare_row",
    "CREATE TABLE bare_row (id integer PRIMARY KEY, body text NOT NULL, holder integer, value text)",
    "CREATE INDEX bare_row_free ON bare_row (id) WHERE holder IS NULL",
)
SUBMIT = "UPDATE bare_row SET value = %s WHERE id = %s"
CLAIM = """UPDATE bare_row SET holder = %s
    WHERE id = (SELECT id FROM bare_row WHERE holder IS NULL ORDER BY id LIMIT 1 {lock}) RETURNING id, body"""


def start() -> None:
    """Run the command of the command line with the bare view beside the application."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    settings.MIDDLEWARE = ["benchmarks.bare_view.count_statements", *settings.MIDDLEWARE]
    settings.ROOT_URLCONF = "benchmarks.bare_urls"
    execute_from_command_line(sys.argv)


def make_rows(n: int) -> None:
    """The table of the bare view with `n` rows that nobody holds."""
    with connection.cursor() as cursor:
        for statement in MAKE:
            cursor.execute(statement)
        rows = [(number, f"message {number}") for number in range(n)]
        cursor.executemany("INSERT INTO bare_row (id, body) VALUES (%s, %s)", rows)


@csrf_exempt
def claim_and_submit(request: HttpRequest) -> HttpResponse:
    """Store the value of the row that was answered, if one was, and hand out the next, if one is asked for."""
    body = json.loads(request.body)
    lock = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    row = None
    with transaction.atomic(), connection.cursor() as cursor:
        if body["row"] is not None:
            cursor.execute(SUBMIT, [body["value"], body["row"]])
        if body["more"]:
            cursor.execute(CLAIM.format(lock=lock), [body["person"]])
            row = cursor.fetchone()
    return JsonResponse({"row": row})


def count_statements(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that says in headers how many SQL statements an answer took, and milliseconds of its thread."""

    def count(request: HttpRequest) -> HttpResponse:
        n = 0

        def one(execute: Callable[..., Any], *given: Any) -> Any:
            nonlocal n
            n += 1
            return execute(*given)

        started = time.thread_time()
        with connection.execute_wrapper(one):
            response = get_response(request)
        response[STATEMENTS], response[CPU] = str(n), f"{1000 * (time.thread_time() - started):.3f}"
        return response

    return count
