"""The layout rules of the templates, and the checker that holds them."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from scripts.check_templates import faults, main

TEMPLATES = sorted(str(path) for path in (settings.BASE_DIR / "templates").rglob("*.html"))


def test_every_template_has_one_element_a_line_and_at_most_120_columns(capsys):
    assert len(TEMPLATES) > 40
    assert main(TEMPLATES) == 0, capsys.readouterr().out


def test_where_each_value_is_named_for_phones_the_table_is_stacked_there():
    """Seen: at 390 wide each value stood under the head of its column and beside its name."""
    stacked = {"acts", "editor", "tight"}
    named = re.compile(r'<table[^>]*class="([^"]*)"((?:(?!</table>).)*class="phone")', re.S)
    found = [(path, kinds) for path in TEMPLATES for kinds, _ in named.findall(Path(path).read_text())]
    assert len(found) > 10
    assert not [(path, kinds) for path, kinds in found if not stacked & set(kinds.split())]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("<p>" + "a" * 114 + "</p>", "121 columns; at most 120"),
        ("<tr><td>1</td></tr>", "opens tr, td; one element a line"),
        ("<li>a</li><li>b</li>", "opens li, li; one element a line"),
        ('{% if a %}<p class="{{ b }}">{% endif %}<pl-pixels>', "opens p, pl-pixels; one element a line"),
    ],
)
def test_a_faulty_line_is_named(line, fault):
    assert list(faults(f"<div>\n{line}\n</div>")) == [(2, fault)]


@pytest.mark.parametrize(
    "line",
    [
        "<p>" + "a" * 113 + "</p>",
        '<p><b>3</b> of <a href="{% url "a:b" %}">7</a></p>',
        "</td></tr>",
        "{# says <p> and <td> #}",
        "{% if a < b %}<p>{{ a }}</p>{% endif %}",
    ],
)
def test_a_line_with_one_element_and_inline_text_passes(line):
    assert list(faults(line)) == []


def test_the_checker_names_file_and_line_and_fails(tmp_path, capsys):
    page = tmp_path / "page.html"
    page.write_text("<p>\n<td><td>\n")
    assert main([str(page)]) == 1
    assert capsys.readouterr().out == f"{page}:2: opens td, td; one element a line\n"


POLLING = [path for path in TEMPLATES if 'hx-trigger="every' in Path(path).read_text()]


@pytest.mark.parametrize("path", POLLING, ids=lambda path: Path(path).stem)
def test_a_page_that_polls_is_brought_up_to_date_in_place_and_so_is_the_sentence_above_it(path):
    """In place, so that no refresh moves the focus; the sentence too, so that no half of a page is out of date."""
    written = Path(path).read_text()
    assert written.count('hx-trigger="every') == written.count('hx-swap="morph"') == 1
    assert '{% block answer %}<span id="said">{% partial said %}</span>{% endblock %}' in written
    fragment = written.partition('hx-swap="morph"')[2]
    assert '{% include "parts/around.html"' in fragment
    assert 'hx-swap-oob="true"' not in written, "replaced even where nothing changed, and a selection with it"
    assert re.search(r'<span\s+id="said"\s+hx-swap-oob="morph"\s*>{% partial said %}</span>', fragment)


def test_nine_pages_poll():
    assert len(POLLING) == 9


def test_no_inline_style_is_set_as_an_attribute_which_the_policy_refuses():
    """Neither by our scripts, which set style properties, nor by htmx, which would copy it onto what it swaps in."""
    head = (settings.BASE_DIR / "templates/parts/head.html").read_text()
    htmx = json.loads(re.search(r"content='(\{.*?\})'", head, re.DOTALL).group(1))
    assert htmx["includeIndicatorStyles"] is False
    assert "style" not in htmx["attributesToSettle"]
    scripts = (settings.BASE_DIR / "static/js").rglob("*.js")
    refused = re.compile(r"""setAttribute\(\s*["'`]style|cssText|<style|style=""")
    assert [path.name for path in scripts if refused.search(path.read_text())] == []
    assert [path for path in TEMPLATES if re.search(r"<style|\sstyle=", Path(path).read_text())] == []
