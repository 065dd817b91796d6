"""Commands as docs, pages and messages show them: each is there and knows every option that is shown."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.compile(r"\./plumbline[ \n]+([a-z_]+)([^`\n\"']*)")
PLACES = ["*.md", "docs/*.md", "templates/*.html", "*.py", "Makefile"]


def shown() -> list[tuple[str, str, str]]:
    """File, command and what follows it."""
    files = subprocess.run(
        ["git", "ls-files", *PLACES], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [
        (file, *found)
        for file in files
        if not file.startswith("tests/")
        for found in SHOWN.findall((ROOT / file).read_text(encoding="utf-8"))
        if found[0] != "in"
    ]


@pytest.mark.parametrize(("file", "name", "rest"), shown())
def test_a_command_that_is_shown_is_there_with_its_options(file: str, name: str, rest: str) -> None:
    assert name in get_commands(), f"{file} shows ./plumbline {name}"
    parser = load_command_class(get_commands()[name], name).create_parser("plumbline", name)
    known = parser.format_help()
    subcommands: list[Any] = parser._subparsers._group_actions if parser._subparsers else []
    known += "".join(each.format_help() for sub in subcommands for each in sub.choices.values())
    unknown = [option for option in re.findall(r"--[a-z-]+", rest) if option not in known]
    assert not unknown, f"{file} shows ./plumbline {name} {rest}"


def test_commands_are_shown_in_the_form_that_works_without_preparation() -> None:
    assert len(shown()) > 15
    for file in ["README.md", *map(str, ROOT.glob("docs/*.md"))]:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert not re.search(r"^ +python manage\.py", text, re.MULTILINE), file
