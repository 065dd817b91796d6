/* A text: Enter sends it, Shift with Enter begins a line, Escape leaves it so that letters are keys again. See labels.js
   for what the desk calls. */

import { changes } from "./changes.js";

const SHOWN = 40; // characters of an answer in the history
const UNREAD_MS = 350; // an Enter that comes sooner cannot be about the next text
const FINE = matchMedia("(pointer: fine) and (min-width: 700px)"); // no keyboard springs up on a phone

export class Control {
  constructor({ scope, choose, say, isTooSoon, keep }) {
    Object.assign(this, { choose, say, keep });
    this.form = scope.querySelector("#writing");
    this.area = scope.querySelector("#answer-text");
    this.sendButton = scope.querySelector("#send-text");
    this.state = scope.querySelector("#text-state");
    this.changed = scope.querySelector("#changes");
    this.original = "";
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!isTooSoon(event)) this.send();
    });
    this.area.addEventListener("input", () => {
      this.keep(this.area.value);
      this.#tell();
    });
  }

  words(value) {
    const text = value.replace(/\s+/g, " ");
    return text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text;
  }

  find() {
    return null;
  }

  show(item) {
    if (item !== this.item) this.since = performance.now();
    this.item = item;
    this.original = this.form.dataset.corrects ? (item.about ?? "") : "";
  }

  keyed(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.altKey || event.metaKey) return null;
    if (event.target === this.area) return event.shiftKey ? null : () => this.send();
    const isElsewhere = event.target.closest?.("button, a, summary, input, textarea");
    return isElsewhere ? null : () => this.area.focus();
  }

  send() {
    if (this.area.disabled) return;
    const value = this.area.value.replace(/\r\n?/g, "\n").trim();
    if (value === this.original.trim() && performance.now() - this.since < UNREAD_MS) return;
    if (!value) return this.say("The text is empty. Write it, or skip.");
    this.choose({ value, skip: false, words: this.words(value) });
  }

  mark(value) {
    this.area.value = value ?? this.original;
    this.#tell();
  }

  allow(isOpen) {
    this.area.disabled = this.sendButton.disabled = !isOpen;
  }

  clear() {}

  focus() {
    if (!FINE.matches || this.area.disabled) return false;
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(this.area.value.length, this.area.value.length);
    return true;
  }

  #tell() {
    if (!this.changed) return;
    const isSame = this.area.value.trim() === this.original.trim();
    this.state.textContent = isSame ? "Nothing is changed" : "";
    this.changed.hidden = isSame;
    this.changed.replaceChildren(...(isSame ? [] : changes(this.original, this.area.value).map(part)));
  }
}

function part({ kind, text }) {
  const node = document.createElement(kind === "in" ? "ins" : kind === "out" ? "del" : "span");
  node.textContent = text;
  return node;
}
