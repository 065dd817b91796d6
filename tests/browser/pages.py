"""Every page that must be clean, in the states that a person brings it into. A new page is one line here."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.conftest import Watched

AT_REST = "() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')"


@dataclass(frozen=True)
class Page:
    """An address, who opens it, and what is done before it is looked at."""

    name: str
    path: str
    who: str = "engineer"
    then: Callable[[Tab], object] | None = None
    answers: tuple[int, ...] = ()  # refusals that belong to the state, such as 422

    def reach_state(self, watched: Watched) -> None:
        """Do what is done first, wait until the page is loaded and htmx is at rest, and accept the state's refusals."""
        if self.then:
            self.then(watched.page)
        watched.page.wait_for_load_state()
        watched.page.wait_for_function(AT_REST)
        refusals = tuple(f"{status} from" for status in self.answers)
        watched.problems = [each for each in watched.problems if not (refusals and each.startswith(refusals))]


def press(name: str) -> Callable[[Tab], object]:
    return lambda tab: tab.get_by_role("button", name=name).first.click()


def follow(selector: str) -> Callable[[Tab], object]:
    """Open the first such link."""

    def go(tab: Tab) -> None:
        with tab.expect_navigation():
            tab.locator(selector).first.click()

    return go


def wrong_password(tab: Tab) -> None:
    tab.get_by_label("User name").fill("nobody")
    tab.get_by_label("Password", exact=True).fill("not this one")
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_text("do not match").wait_for()


def no_scope(tab: Tab) -> None:
    tab.get_by_label("What it is for").fill("line")
    tab.get_by_role("button", name="Make key").click()
    tab.get_by_text("Choose at least one scope").wait_for()


def no_receiver(tab: Tab) -> None:
    tab.get_by_label("Receiver").fill("Deploy bot")
    tab.get_by_label("Address").fill("https://169.254.169.254/latest")
    tab.get_by_role("button", name="Add endpoint").click()
    tab.get_by_text("never called").wait_for()


def rule_tried(tab: Tab) -> None:
    """What a rule would have asked about in the last week."""
    tab.get_by_label("Title").fill("Still open")
    tab.get_by_role("button", name="Try on the last 7 days").click()
    tab.get_by_role("heading", name="What would it have asked?").wait_for()


def costs_compared(tab: Tab) -> None:
    """What other costs would change, before anything is saved."""
    tab.get_by_label("Positive label").select_option(index=2)
    tab.get_by_label("A miss").fill("5")
    tab.get_by_role("button", name="See what changes").click()
    tab.get_by_text("What will change?").wait_for()


def webhook_opened(tab: Tab) -> None:
    """The first endpoint, made where there is none."""
    if not tab.locator("table a.link").count():
        tab.get_by_label("Receiver").fill("Deploy bot")
        tab.get_by_label("Address").fill("https://203.0.113.7/hooks")
        tab.get_by_role("button", name="Add endpoint").click()
        tab.get_by_text("Copy the secret").wait_for()
    follow("table a.link")(tab)


def unfold(tab: Tab, selector: str) -> None:
    """Open the first such part, without a click: Tab goes on from where one was made."""
    tab.locator(selector).first.evaluate("(one) => { one.open = true; }")


def backend_added(tab: Tab) -> None:
    """The first backend, made where there is none, with its password open."""
    if not tab.locator(".record").count():
        tab.get_by_label("Model").fill("Street numbers")
        tab.get_by_label("Address").fill("https://203.0.113.7:9090/digits")
        tab.get_by_role("button", name="Add backend").click()
    unfold(tab, "details:has(summary:text('User name and password'))")
    tab.get_by_text("BASIC_AUTH_PASS").first.wait_for()


def rotated(tab: Tab) -> None:
    webhook_opened(tab)
    tab.get_by_role("button", name="Rotate the secret").click()
    tab.get_by_role("button", name="Rotate", exact=True).click()
    tab.get_by_text("Copy the new secret now").wait_for()


def keys_twice(tab: Tab) -> None:
    tab.get_by_label("Undo the last answer").fill("f")
    tab.get_by_role("button", name="Save keys").click()
    tab.get_by_text("would do two things").wait_for()


def verified(tab: Tab) -> None:
    tab.get_by_role("button", name="Verify the chain").click()
    tab.get_by_text("The chain is complete").wait_for()


def first_item(tab: Tab) -> None:
    """The desk with its first item, image decoded."""
    tab.locator(".stage .item").wait_for()
    tab.locator(".stage img").evaluate_all("(all) => Promise.all(all.map((one) => one.decode()))")


def sample_read(tab: Tab) -> None:
    """What a pasted request would become, with its rows counted."""
    rows = [{"key": f"t-{n}", "inputs": {"text": f"Where is parcel {n}?", "amount": n / 2}} for n in range(8)]
    tab.get_by_label("A sample request").fill(
        json.dumps([{**row, "label": ["late", "lost"][n % 2]} for n, row in enumerate(rows)])
    )
    tab.get_by_role("button", name="Read the sample").click()
    tab.get_by_text("What will be created?").wait_for()


TABLE = "ticket,message,amount,label\n" + "".join(
    f"T-{number},Where is parcel {number}?,{number / 2},{['late', 'lost', ''][number % 3]}\n" for number in range(12)
)
DROP = """(place, text) => {
  const files = new DataTransfer();
  files.items.add(new File([text], "tickets.csv", { type: "text/csv" }));
  for (const type of ["dragenter", "dragover", "drop"])
    place.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: files }));
}"""


def file_dropped(tab: Tab) -> None:
    """What a dropped table would become, with its rows counted."""
    with tab.expect_navigation():
        tab.get_by_role("heading", name="Drop a file of past cases here").evaluate(DROP, TABLE)
    expect(tab.locator("#made")).to_contain_text("12 rows will be kept; 8 have a label already")
    unfold(tab, "#spec-details")


def labelled_file_dropped(tab: Tab) -> None:
    """The options of a backtest of a dropped table."""
    with tab.expect_navigation():
        tab.get_by_role("heading", name="Drop a labelled file here").evaluate(DROP, TABLE)
    tab.get_by_role("button", name="Start the backtest").wait_for()


def decision_opened(tab: Tab) -> None:
    """Why the first item of which a model said something was decided so."""
    follow("main a[href*='/items/item_']")(tab)
    follow("main a[href*='/decisions/']")(tab)


def merge_compared(tab: Tab) -> None:
    tab.locator("#source-1").check()
    tab.get_by_label("What takes their place").fill("8")
    tab.get_by_role("button", name="See what changes").click()
    tab.get_by_text("What will change?").wait_for()


DIGITS = "/p/digits"
PAGES = [
    Page("sign-in", "/sign-in/", who=""),
    Page("sign-in-refused", "/sign-in/", who="", then=wrong_password, answers=(422,)),
    Page("link-gone", "/sign-in/nonsense/", who="", answers=(410,)),
    Page("styleguide", "/styleguide/", who=""),
    Page("projects", "/"),
    Page("api-docs", "/api/v1/docs", who=""),
    Page("not-found", "/nowhere/", who="", answers=(404,)),
    Page("not-for-this-role", f"{DIGITS}/members/", who="annotator", answers=(403,)),
    Page("account", "/account/"),
    Page("account-refused", "/account/", then=keys_twice, answers=(422,)),
    Page("health", "/health/"),
    Page("keys-dialog", "/account/", then=lambda tab: tab.keyboard.press("?")),
    Page("labels", f"{DIGITS}/settings/labels/"),
    Page("label-change", f"{DIGITS}/settings/labels/change/", then=merge_compared, answers=(422,)),
    Page("inputs", f"{DIGITS}/settings/inputs/"),
    Page("guideline", f"{DIGITS}/settings/guideline/", who="reviewer"),
    Page("input-contract", f"{DIGITS}/input-contract/"),
    Page("costs", f"{DIGITS}/settings/costs/", then=costs_compared),
    Page("routing", f"{DIGITS}/settings/routing/"),
    Page("general", f"{DIGITS}/settings/"),
    Page("retraining-settings", f"{DIGITS}/settings/retraining/"),
    Page("feedback-keys", f"{DIGITS}/feedback-keys/", who="admin"),
    Page("ml-backends", f"{DIGITS}/ml-backends/", then=backend_added),
    Page("new-project", "/projects/new/"),
    Page("new-project-empty", "/projects/new/empty"),
    Page("new-project-sample", "/projects/new/", then=sample_read),
    Page("new-project-dropped", "/projects/new/", then=file_dropped),
    Page("backtest", "/backtests/"),
    Page("backtest-options", "/backtests/", then=labelled_file_dropped),
    Page("outcomes", f"{DIGITS}/outcomes/"),
    Page("members", f"{DIGITS}/members/", who="admin"),
    Page("remove-asks", f"{DIGITS}/members/", who="admin", then=press("Remove Ada")),
    Page("api-keys", f"{DIGITS}/keys/", who="admin"),
    Page("api-keys-refused", f"{DIGITS}/keys/", who="admin", then=no_scope, answers=(422,)),
    Page("webhooks", f"{DIGITS}/webhooks/", who="admin"),
    Page("webhooks-refused", f"{DIGITS}/webhooks/", who="admin", then=no_receiver, answers=(422,)),
    Page("webhook", f"{DIGITS}/webhooks/", who="admin", then=webhook_opened),
    Page("webhook-rotated", f"{DIGITS}/webhooks/", who="admin", then=rotated),
    Page("audit", f"{DIGITS}/audit/", who="admin"),
    Page("audit-verified", f"{DIGITS}/audit/", who="admin", then=verified),
    Page("jobs", f"{DIGITS}/jobs/"),
    Page("all-jobs", "/jobs/", who="admin"),
    Page("overview", f"{DIGITS}/"),
    Page("performance", f"{DIGITS}/performance/"),
    Page("errors", f"{DIGITS}/errors/"),
    Page("performance of a segment", f"{DIGITS}/performance/?segment=sensor%3DB"),
    Page("signals", f"{DIGITS}/signals/"),
    Page("label-quality", f"{DIGITS}/label-quality/", who="reviewer"),
    Page("items", f"{DIGITS}/items/"),
    Page("exchange", f"{DIGITS}/exchange/"),
    Page("item", f"{DIGITS}/items/", then=follow("main a[href*='/items/item_']")),
    Page("decision", f"{DIGITS}/items/?says=3", then=decision_opened),
    Page("desk", f"{DIGITS}/desk/", who="annotator", then=first_item),
    Page("queues", f"{DIGITS}/queues/"),
    Page("queue rules", f"{DIGITS}/queue-rules/"),
    Page("new queue rule", f"{DIGITS}/queue-rules/new/?query=state%3Dopen"),
    Page("queue rule tried", f"{DIGITS}/queue-rules/new/?query=state%3Dopen", then=rule_tried),
    Page("queue", f"{DIGITS}/queues/", then=follow("main a[href*='/queues/']")),
    Page("review", f"{DIGITS}/review/"),
    Page("runs", f"{DIGITS}/runs/"),
    Page("run", f"{DIGITS}/runs/1/"),
    Page("compare", f"{DIGITS}/compare/1/"),
    Page("compare-items", f"{DIGITS}/compare/1/all/"),
    Page("promote", f"{DIGITS}/compare/1/promote/"),
    Page("run-items", f"{DIGITS}/runs/1/trained-on/"),
    Page("new-labels", f"{DIGITS}/runs/new-to-learn-from/"),
    Page("compare-any", f"{DIGITS}/compare/"),
    Page("releases", f"{DIGITS}/releases/"),
]
