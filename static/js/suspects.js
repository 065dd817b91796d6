// Suspected labels: a digit decides the current card, by its place on the keyboard; the person's own keys for next,
// previous and queue act here as everywhere. Everything is a real button without this.
import { actionOf, isTyping } from "./shell.js";

const ACTS = { 1: "keep", 2: "fix", 3: "unclear", 4: "queue" };

class Suspects extends HTMLElement {
  connectedCallback() {
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    if (Suspects.moving) this.current()?.focus({ preventScroll: true });
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.onKey);
  }

  get cards() {
    return [...this.querySelectorAll(".card")];
  }

  current() {
    return this.querySelector(".card.current") ?? this.cards[0];
  }

  key(event) {
    const off = document.documentElement.dataset.keys === "off";
    if (isTyping(event) || off || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    const action = actionOf(event);
    const digit = event.shiftKey ? null : /^(?:Digit|Numpad)([1-4])$/.exec(event.code)?.[1];
    if (digit) this.decide(ACTS[digit], event);
    else if (action === "queue") this.decide("queue", event);
    else if (action === "next" || action === "previous") this.move(action === "next" ? 1 : -1);
  }

  decide(act, event) {
    const button = this.current()?.querySelector(`button[value="${act}"]`);
    if (!button) return;
    event.preventDefault();
    Suspects.moving = true;
    button.click();
  }

  move(step) {
    const cards = this.cards;
    const place = cards.indexOf(this.current());
    const next = cards[Math.min(Math.max(place + step, 0), cards.length - 1)];
    for (const card of cards) {
      card.classList.toggle("current", card === next);
      card.tabIndex = card === next ? 0 : -1;
    }
    next?.focus();
  }
}

customElements.define("pl-suspects", Suspects);
