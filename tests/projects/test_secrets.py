"""Secrets are unlike one another, derived ones the same each time, and a stored hash does not give its secret away."""

from django.test import override_settings

from projects.secrets import derived_secret, hashed, new_secret


def test_no_two_new_secrets_are_alike() -> None:
    assert len({new_secret() for _ in range(100)}) == 100


def test_a_derived_secret_depends_on_each_part_and_on_their_bounds() -> None:
    assert derived_secret("key", 1, 2) == derived_secret("key", 1, 2)
    assert (
        len({derived_secret(*parts) for parts in [("key", 1, 2), ("key", 12), ("key", "1", 2), ("invite", 1, 2)]}) == 4
    )


def test_another_installation_derives_another_secret() -> None:
    here = derived_secret("key", 1)
    with override_settings(SECRET_KEY="another"):
        assert derived_secret("key", 1) != here


def test_a_hash_is_that_of_its_secret_alone() -> None:
    assert hashed("a") == hashed("a") != hashed("b")
    assert "a secret" not in hashed("a secret")
