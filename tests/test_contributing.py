"""CONTRIBUTING and the architecture page name files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"`((?:tests|inputs|annotation|analysis|retraining|docs|templates|overview|jobs|projects)/[\w./]*)`")


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_every_named_path_exists(page: str) -> None:
    named = NAMED.findall((ROOT / page).read_text())
    assert named
    missing = [path for path in named if not (ROOT / path).exists() and not (ROOT / f"{path}.py").exists()]
    assert not missing
