/* Several labels: each key chooses or drops one, Enter sends what is chosen. See labels.js for what the desk calls. */

import { LabelButtons } from "./labels.js";

export class Control extends LabelButtons {
  constructor(given) {
    super(given);
    this.keep = given.keep;
    this.sendButton = given.scope.querySelector("#send-choices");
    this.noneButton = given.scope.querySelector("#choose-none");
    this.count = given.scope.querySelector("#chosen");
    this.sendButton.addEventListener("click", (event) => given.isTooSoon(event) || this.send());
    this.noneButton.addEventListener("click", (event) => given.isTooSoon(event) || this.answer([]));
    if (this.noneButton.dataset.key) this.byKey.set(this.noneButton.dataset.key, this.noneButton);
  }

  words(value) {
    return this.buttons.filter(({ dataset }) => value.includes(dataset.value)).map(({ dataset }) => dataset.words).join(", ")
      || (value.length ? value.join(", ") : this.noneButton.dataset.words);
  }

  get value() {
    return this.buttons.filter((button) => button.getAttribute("aria-pressed") === "true").map(({ dataset }) => dataset.value).sort(byCodePoint);
  }

  /* A click or a key: the label is chosen, or dropped where it was. */
  press(button) {
    if (button.disabled) return;
    if (button === this.noneButton) return this.answer([]);
    const isChosen = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isChosen));
    this.#tell();
    this.keep(this.value);
    this.say(`${button.dataset.words} ${isChosen ? "chosen" : "dropped"}. ${this.value.length} chosen.`);
  }

  /* Enter in the search chooses the label that it marks and empties it for the next one. */
  pressFirst() {
    super.pressFirst();
    this.clear();
  }

  keyed(event) {
    if (event.key !== "Enter" || event.target === this.search || event.target.closest?.("button, a, summary")) return null;
    return () => this.send();
  }

  send() {
    if (this.value.length) return this.answer(this.value);
    const key = this.noneButton.dataset.key.toUpperCase();
    this.say(`Nothing is chosen. Choose a label, or ${this.noneButton.dataset.words}${key ? `, key ${key}` : ""}.`);
  }

  answer(value) {
    this.choose({ value, skip: false, words: this.words(value) });
  }

  mark(value) {
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(Boolean(value?.includes(button.dataset.value))));
    this.noneButton.setAttribute("aria-pressed", String(value?.length === 0));
    this.#tell();
  }

  allow(isOpen) {
    super.allow(isOpen);
    this.sendButton.disabled = this.noneButton.disabled = !isOpen;
  }

  #tell() {
    const n = this.value.length;
    this.count.textContent = n ? ` ${n}` : "";
    this.sendButton.classList.toggle("primary", n > 0);
  }
}

/* As the server sorts: by code point, not by UTF-16 unit. */
function byCodePoint(one, other) {
  const [a, b] = [one, other].map((text) => [...text].map((sign) => sign.codePointAt(0)));
  const at = a.findIndex((point, place) => point !== b[place]);
  return at < 0 ? a.length - b.length : a[at] - (b[at] ?? -1);
}
