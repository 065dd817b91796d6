// Suspected labels: one key decides the current card, J and K move. Everything is a real button without this.
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
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const off = document.documentElement.dataset.keys === "off";
    if (typing || off || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    if (ACTS[event.key]) {
      const button = this.current()?.querySelector(`button[value="${ACTS[event.key]}"]`);
      if (button) {
        event.preventDefault();
        Suspects.moving = true;
        button.click();
      }
    } else if (event.key === "j" || event.key === "k") {
      this.move(event.key === "j" ? 1 : -1);
    }
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
