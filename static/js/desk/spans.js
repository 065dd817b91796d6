/* Stretches of a text: words are chosen by arrows, mouse or touch, a label's key marks them, Enter sends. See labels.js
   for what the desk calls. */

import { LabelButtons } from "./labels.js";
import { SpanText } from "./span_text.js";

const WORDS = 24; // characters of a stretch in the list and in the history
const UNDO = 50;

export class Control extends LabelButtons {
  constructor(given) {
    super(given);
    this.keep = given.keep;
    this.scope = given.scope;
    const [marked, list, none, send] = ["#marked", "#marked-list", "#choose-none", "#send-spans"].map((id) => given.scope.querySelector(id));
    Object.assign(this, { list, noneButton: none, sendButton: send });
    this.input = marked.dataset.input;
    this.overlapping = marked.dataset.overlapping;
    this.hint = marked.querySelector("#marked-none");
    this.spans = [];
    this.past = [];
    send.addEventListener("click", (event) => given.isTooSoon(event) || this.send());
    none.addEventListener("click", (event) => given.isTooSoon(event) || this.answer([]));
    if (none.dataset.key) this.byKey.set(none.dataset.key, none);
    given.scope.querySelector(".stage").addEventListener("pointerup", (event) => this.#touched(event));
  }

  words(value) {
    if (!value.length) return this.noneButton.dataset.words;
    return value.map(({ label }) => this.#button(label)?.dataset.words ?? label).join(", ");
  }

  show(item) {
    const node = item.node.querySelector(`[data-input="${CSS.escape(this.input)}"] .text`);
    this.text = new SpanText(node, item.about ?? "");
  }

  mark(value) {
    this.spans = (value ?? []).map((span) => this.#drawn(span));
    this.past = [];
    this.range = this.chosen = null;
    this.at = 0;
    this.noneButton.setAttribute("aria-pressed", String(value?.length === 0));
    this.#draw();
  }

  allow(isOpen) {
    super.allow(isOpen);
    this.sendButton.disabled = this.noneButton.disabled = !isOpen;
  }

  /* Keys */

  keyed(event) {
    const { key, target } = event;
    if (target.closest?.("input, textarea, dialog") || !this.text) return null;
    const isCommand = event.ctrlKey || event.metaKey;
    if (isCommand && key.toLowerCase() === "z" && !event.shiftKey) return () => this.back();
    if (key === "ArrowLeft" || key === "ArrowRight") return () => this.#arrow(key === "ArrowRight" ? 1 : -1, event);
    if (isCommand || event.altKey) return null;
    if (key === "ArrowUp" || key === "ArrowDown") return () => this.#step(key === "ArrowDown" ? 1 : -1);
    if ((key === "Delete" || key === "Backspace") && this.chosen) return () => this.remove(this.chosen);
    if (key === "Escape" && (this.range || this.chosen)) return () => this.#choose(null);
    if (key === "Enter" && !target.closest?.("button, a, summary")) return () => this.send();
    return null;
  }

  /* A word further; with Shift one word more or less, with Ctrl or Alt one character. */
  #arrow(by, { shiftKey, ctrlKey, altKey }) {
    if (!this.text.words.length) return;
    if (ctrlKey || altKey) this.#resize(by, shiftKey ? "start" : "end");
    else if (shiftKey) this.#extend(by);
    else this.#move(by);
  }

  #move(by) {
    const { words } = this.text;
    const { start, end } = this.range ?? { start: this.at, end: this.at };
    const next = by > 0 ? words.find((word) => word.start >= end) : words.findLast((word) => word.end <= start);
    this.#select({ ...(next ?? (by > 0 ? words.at(-1) : words[0])) });
  }

  #extend(by) {
    if (!this.range) return this.#move(by);
    const { words } = this.text;
    const ends = words.map(({ end }) => end);
    const end = by > 0 ? ends.find((each) => each > this.range.end) : ends.findLast((each) => each < this.range.end);
    if (end > this.range.start) this.#resized({ ...this.range, end });
  }

  #resize(by, side) {
    if (!this.range) return;
    const range = { ...this.range, [side]: this.range[side] + by };
    if (range.start >= 0 && range.start < range.end && range.end <= this.text.points.length) this.#resized(range);
  }

  /* The range has other ends: of a chosen span they become its own. */
  #resized(range) {
    if (!this.chosen) return this.#select(range);
    const changed = { ...this.chosen, ...range };
    const why = this.#clash(changed, this.chosen);
    if (why) return this.say(why);
    this.#change(this.spans.map((span) => (span === this.chosen ? changed : span)));
    this.#choose(changed);
  }

  #step(by) {
    if (!this.spans.length) return this.say("Nothing is marked yet.");
    const here = this.chosen ? this.spans.indexOf(this.chosen) : by > 0 ? -1 : this.spans.length;
    this.#choose(this.spans[Math.min(Math.max(here + by, 0), this.spans.length - 1)]);
  }

  /* Mouse and touch: what was dragged over, else the span under the pointer, else its word; with Shift, and by touch
     where words are chosen, up to this word. */
  #touched(event) {
    if (!this.text?.node?.contains(event.target) || this.sendButton.disabled) return;
    const dragged = this.text.selected();
    if (dragged) {
      getSelection().removeAllRanges();
      return this.#select(dragged);
    }
    const place = this.text.placeAt(event.clientX, event.clientY);
    const word = place === null ? null : this.text.wordAt(place);
    if (!word) return;
    if (this.range && !this.chosen && (event.shiftKey || event.pointerType === "touch")) {
      return this.#select({ start: Math.min(this.range.start, word.start), end: Math.max(this.range.end, word.end) });
    }
    const under = this.spans.findLast(({ start, end }) => start <= place && place < end);
    if (under && under !== this.chosen) this.#choose(under);
    else this.#select({ ...word });
  }

  #select(range) {
    this.chosen = null;
    this.range = range;
    this.at = range.start;
    this.#draw();
    this.say(this.text.slice(range));
  }

  #choose(span) {
    this.chosen = span;
    this.range = span && { start: span.start, end: span.end };
    this.#draw();
    if (span) this.say(`${span.name}: ${this.text.slice(span)}. A label's key changes it, Delete removes it.`);
  }

  /* Marking */

  press(button) {
    if (button.disabled) return;
    if (button === this.noneButton) return this.answer([]);
    const range = this.text?.selected() ?? this.range;
    if (!range) return this.say("Choose words in the text first, then a label.");
    const span = this.#drawn({ start: range.start, end: range.end, label: button.dataset.value });
    const why = this.#clash(span, this.chosen);
    if (why) return this.say(why);
    getSelection().removeAllRanges();
    this.#change([...this.spans.filter((one) => one !== this.chosen), span]);
    this.at = span.end;
    this.chosen = this.range = null;
    this.#draw();
    this.say(`${span.name}: ${this.text.slice(span)}. ${this.spans.length} marked.`);
  }

  remove(span) {
    this.#change(this.spans.filter((one) => one !== span));
    this.#choose(null);
    this.say(`${span.name} removed. ${this.spans.length} marked.`);
  }

  back() {
    const before = this.past.pop();
    if (!before) return this.say("Nothing was changed here.");
    this.spans = before;
    this.keep(this.value);
    this.#choose(null);
    this.say(`Taken back. ${this.spans.length} marked.`);
  }

  /* Why a span cannot stand beside the others, or null. */
  #clash(span, instead) {
    const others = this.spans.filter((one) => one !== instead && one.start < span.end && span.start < one.end);
    const inside = (one, other) => one.start >= other.start && one.end <= other.end;
    if (others.some((one) => one.start === span.start && one.end === span.end && one.label === span.label)) return "This is marked so already.";
    if (this.overlapping === "no" && others.length) return "Two spans may not overlap here.";
    const isCrossed = others.some((one) => !inside(one, span) && !inside(span, one));
    return this.overlapping === "nested" && isCrossed ? "A span may lie inside another here, but not cross it." : null;
  }

  #change(spans) {
    this.past.push(this.spans);
    if (this.past.length > UNDO) this.past.shift();
    this.spans = spans.sort(inOrder);
    this.keep(this.value);
  }

  get value() {
    return this.spans.map(({ start, end, label }) => ({ start, end, label }));
  }

  send() {
    if (this.sendButton.disabled) return;
    if (this.spans.length) return this.answer(this.value);
    const key = this.noneButton.dataset.key.toUpperCase();
    this.say(`Nothing is marked. If there is nothing to mark, say so${key ? ` with ${key}` : ""}.`);
  }

  answer(value) {
    this.choose({ value, skip: false, words: this.words(value) });
  }

  pressFirst() {
    super.pressFirst();
    this.clear();
  }

  /* Drawing */

  #button(label) {
    return this.buttons.find((button) => button.dataset.value === label);
  }

  #drawn({ start, end, label }) {
    const button = this.#button(label);
    return { start, end, label, name: button?.dataset.words ?? label, colour: button?.dataset.colour ?? "8" };
  }

  #draw() {
    this.text?.draw(this.spans, this.range, this.chosen);
    const hadFocus = this.list.contains(document.activeElement);
    this.list.replaceChildren(...this.spans.map((span) => this.#line(span)));
    this.hint.hidden = this.spans.length > 0;
    this.scope.querySelector("#chosen").textContent = this.spans.length ? ` ${this.spans.length}` : "";
    this.sendButton.classList.toggle("primary", this.spans.length > 0);
    if (hadFocus) (this.list.querySelector('[aria-pressed="true"]') ?? this.scope.querySelector(".stage")).focus();
  }

  #line(span) {
    const line = document.createElement("li");
    const choose = document.createElement("button");
    const drop = document.createElement("button");
    choose.type = drop.type = "button";
    choose.className = `mark-${span.colour}`;
    choose.setAttribute("aria-pressed", String(span === this.chosen));
    const text = this.text?.slice(span) ?? "";
    const shown = text.length > WORDS ? `${text.slice(0, WORDS - 1)}…` : text;
    choose.append(Object.assign(document.createElement("b"), { textContent: span.name }), ` ${shown}`);
    choose.addEventListener("click", () => this.#choose(span === this.chosen ? null : span));
    Object.assign(drop, { className: "drop", textContent: "×", ariaLabel: `Remove ${span.name}: ${shown}` });
    drop.addEventListener("click", () => this.remove(span));
    line.append(choose, drop);
    return line;
  }
}

/* As the server sorts: the first and then the longer one first. */
function inOrder(one, other) {
  return one.start - other.start || other.end - one.end || (one.label < other.label ? -1 : 1);
}
