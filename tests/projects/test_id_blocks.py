"""Blocks of ids: fresh, in a row, and given to nobody else."""

import pytest

from projects.id_blocks import reserve_ids
from projects.models import Project, User
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db


def test_a_block_begins_after_every_id_that_was_given_and_the_next_row_comes_after_it() -> None:
    newest = make_project().pk
    first = reserve_ids(Project, 10)
    assert first > newest
    assert make_project().pk >= first + 10
    again = reserve_ids(Project, 1)
    assert again > first + 10 and make_project().pk > again


def test_the_id_of_a_deleted_row_is_not_given_again() -> None:
    gone = make_user()
    pk = gone.pk
    gone.delete()
    assert reserve_ids(User, 3) > pk
    assert make_user().pk >= pk + 3


def test_rows_with_ids_of_a_block_leave_the_next_row_free_of_them() -> None:
    first = reserve_ids(User, 2)
    User.objects.bulk_create([User(pk=first + place, username=f"u{place}") for place in range(2)])
    assert make_user().pk == first + 2
