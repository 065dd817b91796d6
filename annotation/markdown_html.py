"""Markdown as HTML that a page can hold: nothing in it runs, looks like the page or loads from elsewhere."""

import re

import markdown
import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

TAGS = {
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "dd",
    "del",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
}
MEDIA = re.compile(r"/p/[a-z0-9-]{1,60}/media/[0-9a-f]{64}")
WITHOUT_SOURCE = re.compile(r'<img(?: alt="[^"]*")?>')  # what was to be loaded from elsewhere
HEADING = re.compile(r"<(/?)h([1-6])>")


def guideline_html(text: str) -> SafeString:
    """A guideline's Markdown, with the HTML that its author wrote where that is harmless, and images of the project.

    Headings begin at h3, below the panel's own, and go down one level at a time, whatever the author wrote.
    """
    made = markdown.markdown(text, extensions=["sane_lists", "tables"])
    return mark_safe(_levelled(_cleaned(made, images=True)))  # noqa: S308  nh3 keeps the listed tags only


def turn_html(text: str) -> SafeString:
    """The Markdown of somebody's turn in a conversation: nothing of what was written is left out.

    HTML in it is shown as it was written, and so are lists of links; an image is a link. Headings become bold
    paragraphs: they are no part of the page's outline. What the Markdown library fails on (it raises for some nested
    or unfinished input) is shown as plain text.
    """
    try:
        made = _cleaned(_turn_parser().convert(text))
    except Exception:  # a stranger's text must not take the page away, whatever it does to the library
        return mark_safe(f'<p class="plain">{escape(text)}</p>')  # noqa: S308  escaped
    return mark_safe(HEADING.sub(_as_paragraph, made))  # noqa: S308  nh3 keeps the listed tags only


def _turn_parser() -> markdown.Markdown:
    parser = markdown.Markdown(extensions=["sane_lists", "tables", "fenced_code", "nl2br"])
    parser.preprocessors.deregister("html_block")
    parser.parser.blockprocessors.deregister("reference")
    for pattern in ("html", "image_link", "image_reference", "short_image_ref"):
        parser.inlinePatterns.deregister(pattern)
    return parser


def _cleaned(html: str, *, images: bool = False) -> str:
    """`images` keeps those that this server serves to members of a project, and no others."""
    made = nh3.clean(
        html,
        tags=TAGS | ({"img"} if images else set()),
        attributes={"a": {"href", "title"}, **({"img": {"src", "alt"}} if images else {})},
        attribute_filter=_own_media_only,
        url_schemes={"http", "https", "mailto"},
    )
    return WITHOUT_SOURCE.sub("", made)


def _own_media_only(tag: str, name: str, value: str) -> str | None:
    return None if (tag, name) == ("img", "src") and not MEDIA.fullmatch(value) else value


def _as_paragraph(heading: re.Match[str]) -> str:
    return "</strong></p>" if heading[1] else "<p><strong>"


def _levelled(html: str) -> str:
    """Headings moved so that the highest is h3 and none is more than one below the heading before it."""
    written = [int(level) for end, level in HEADING.findall(html) if not end]
    levels, last = [], 2
    for level in written:
        last = min(level - min(written) + 3, last + 1, 6)
        levels.append(last)
    tags = iter([level for level in levels for _ in ("begin", "end")])
    return HEADING.sub(lambda tag: f"<{tag[1]}h{next(tags)}>", html)
