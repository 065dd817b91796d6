"""The look that can be counted: contrast of the tokens, weight of the styles, the policy in every template."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings

from projects import styleguide

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
STYLES = [settings.BASE_DIR / "static" / "site.css", *sorted((settings.BASE_DIR / "static" / "css").glob("*.css"))]


def test_black_on_white_is_21_to_1():
    assert styleguide.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert styleguide.contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("surface", styleguide.SURFACES)
@pytest.mark.parametrize("name", styleguide.TEXT)
def test_text_is_readable_on_every_surface(name, surface, theme):
    known = styleguide.pairs()
    assert styleguide.contrast(known[name][theme], known[surface][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_is_readable_on_its_soft_fill_and_on_heat(theme):
    known = styleguide.pairs()
    for name in ("plumb", "good", "warn", "bad"):
        assert styleguide.contrast(known[name][theme], known[f"{name}-soft"][theme]) >= 4.5
        assert styleguide.contrast(known["ink"][theme], known[f"{name}-soft"][theme]) >= 4.5
    for step in (1, 2, 3, 4):
        assert styleguide.contrast(known["ink"][theme], known[f"heat-{step}"][theme]) >= 4.5
    assert styleguide.contrast(known["on-heat-5"][theme], known["heat-5"][theme]) >= 4.5
    assert styleguide.contrast(known["on-plumb"][theme], known["plumb"][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_borders_of_controls_and_marks_stand_out(theme):
    known = styleguide.pairs()
    marks = ["edge", *(f"cat-{number}" for number in range(1, 9))]
    assert all(styleguide.contrast(known[name][theme], known["s1"][theme]) >= 3.0 for name in marks)


def test_a_colour_is_named_in_the_tokens_and_nowhere_else():
    colours = re.compile(r"#[0-9a-fA-F]{3,8}\b")
    found = {
        f"{path.name}: {found}"
        for path in STYLES[1:]
        for found in colours.findall(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S))
    }
    assert found <= {f"parts.css: {colour}" for colour in ("#fff", "#d3d9dc", "#b9bfc2")}, (
        "those of images' paper and grid"
    )


def test_the_styles_that_a_page_loads_are_light():
    """Every page loads those of the head, and its own."""
    weight = {path.name: len(gzip.compress(path.read_bytes())) for path in STYLES}
    loaded = {path: set(re.findall(r"css/(\w+\.css)", path.read_text())) for path in TEMPLATES}
    everywhere = loaded.pop(settings.BASE_DIR / "templates/parts/head.html") | {"site.css"}
    assert set(weight) == everywhere.union(*loaded.values()), "styles that no page loads"
    assert max(sum(weight[name] for name in everywhere | own) for own in loaded.values()) <= 20_000


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR / "templates")))
def test_a_template_holds_to_the_policy(path: Path):
    text = re.sub(r"{#.*?#}", "", path.read_text())
    assert not re.search(r"\sstyle\s*=", text), "no style attributes"
    assert not re.search(r"<style\b", text), "no inline styles"
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text), "no handlers in attributes"
    assert not re.search(r"hx-on|hx-vals=['\"]?js:|javascript:|hx-disable-csp", text), "nothing that is evaluated"
    assert not re.search(r"hx-trigger=\"[^\"]*\[", text), "no trigger filters: they are evaluated"
    assert all(" src=" in tag for tag in re.findall(r"<script\b[^>]*>", text)), "no inline scripts"
    assert not re.search(r"\|safe\b|{%\s*autoescape off", text), "nothing is printed unescaped"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR / "templates")))
def test_a_form_that_posts_carries_the_token(path: Path):
    for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", path.read_text(), flags=re.S):
        assert "{% csrf_token %}" in form
