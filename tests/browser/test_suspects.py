"""The keys of suspected labels follow the person's own keymap."""

from collections.abc import Callable

from tests.browser.conftest import Watched

CARDS = """() => {
  document.getElementById("keymap").textContent = JSON.stringify({ next: "n", previous: "p" });
  const made = document.createElement("pl-suspects");
  made.innerHTML = '<div class="card current" tabindex="0">1</div><div class="card" tabindex="-1">2</div>';
  document.querySelector("main").replaceChildren(made);
}"""


def test_next_and_previous_are_the_keys_that_the_person_chose(open_page: Callable[..., Watched]) -> None:
    tab = open_page("/p/digits/label-quality/", who="reviewer").page
    tab.evaluate(CARDS)
    current = "document.querySelector('.card.current').textContent"

    tab.keyboard.press("j")
    assert tab.evaluate(current) == "1"
    tab.keyboard.press("n")
    assert tab.evaluate(current) == "2"
    tab.keyboard.press("p")
    assert tab.evaluate(current) == "1"
