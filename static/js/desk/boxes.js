/* Boxes on an image: four clicks at the ends of a thing or a drag draw one with the chosen label; the table holds the
   same as numbers. Arrows move a chosen box, with Shift they change its size. See labels.js for what the desk calls. */

import { BoxCanvas } from "./box_canvas.js";
import { BoxTable } from "./box_table.js";
import { LabelButtons } from "./labels.js";

const UNDO = 50;
const STEP = 0.01;
const SMALLEST = 0.002;
const SHOWN = 6; // labels in the history
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const MIDDLE = { x: 0.25, y: 0.25, width: 0.5, height: 0.5 };

export class Control extends LabelButtons {
  constructor(given) {
    super(given);
    const { scope, isTooSoon } = given;
    const [root, state, none, send, add, count] = ["#boxes", "#boxes-state", "#choose-none", "#send-boxes", "#add-box", "#chosen"].map((id) => scope.querySelector(id));
    Object.assign(this, { keep: given.keep, scope, state, noneButton: none, sendButton: send, addButton: add, count });
    this.input = root.dataset.input;
    this.zooms = [...root.querySelectorAll("[data-zoom]")];
    this.boxes = [];
    this.past = [];
    this.chosen = this.moved = null;
    this.isOpen = false;
    this.brush = this.buttons.find((button) => !button.disabled) ?? this.buttons[0];
    this.table = new BoxTable(root, { choose: (box) => this.select(box), change: (box, sides) => this.reshape(box, sides), remove: (box) => this.remove(box) });
    this.canvas = new BoxCanvas({
      isOpen: (event) => this.isOpen && !isTooSoon(event),
      say: (words) => this.say(words),
      draw: (sides) => this.draw(sides),
      choose: (box) => this.select(box),
      reshape: (box, sides) => this.reshape(box, sides),
      zoomed: (scale) => (scope.querySelector("#zoom").value = `${Math.round(scale * 100)} %`),
      pointed: (n) => this.#pointed(n),
    });
    send.addEventListener("click", (event) => isTooSoon(event) || this.send());
    none.addEventListener("click", (event) => isTooSoon(event) || this.answer([]));
    add.addEventListener("click", () => this.draw(MIDDLE));
    for (const button of this.zooms) button.addEventListener("click", () => this.canvas.zoomBy(Number(button.dataset.zoom)));
    for (const button of [none, add]) if (button.dataset.key) this.byKey.set(button.dataset.key, button);
  }

  words(value) {
    if (!value.length) return this.noneButton.dataset.words;
    const names = value.slice(0, SHOWN).map(({ label }) => this.#button(label)?.dataset.words ?? label);
    return [...names, ...(value.length > SHOWN ? [`${value.length - SHOWN} more`] : [])].join(", ");
  }

  show(item) {
    this.canvas.show(item.node.querySelector(`[data-input="${CSS.escape(this.input)}"] img`));
  }

  mark(value) {
    this.boxes = (value ?? []).map((box) => this.#drawn(box));
    this.past = [];
    this.chosen = this.moved = null;
    this.noneButton.setAttribute("aria-pressed", String(value?.length === 0));
    this.canvas.dropPoints();
    this.#draw();
  }

  allow(isOpen) {
    super.allow(isOpen);
    this.isOpen = isOpen;
    this.sendButton.disabled = this.noneButton.disabled = this.addButton.disabled = !isOpen;
    this.table.allow(isOpen);
  }

  /* Keys */

  keyed(event) {
    const { key, target, shiftKey } = event;
    if (target.closest?.("input, textarea, select, dialog") || !this.isOpen) return null;
    const isCommand = event.ctrlKey || event.metaKey;
    if (isCommand && key.toLowerCase() === "z" && !shiftKey) return () => this.back();
    if (key in ARROWS && !event.altKey) return () => this.#arrow(ARROWS[key], isCommand, shiftKey);
    if (isCommand || event.altKey) return null;
    if (key === "PageUp" || key === "PageDown") return () => this.#step(key === "PageDown" ? 1 : -1);
    if ((key === "Delete" || key === "Backspace") && this.chosen) return () => this.remove(this.chosen);
    if (key === "Escape" && (this.chosen || this.canvas.points.length)) return () => this.select(null);
    if (key === "Enter" && !target.closest?.("button, a, summary")) return () => this.send();
    if (document.documentElement.dataset.keys === "off" || !["+", "=", "-"].includes(key)) return null;
    return () => this.canvas.zoomBy(key === "-" ? -1 : 1);
  }

  #arrow([across, down], isFine, isSize) {
    const box = this.chosen;
    if (!box) return this.canvas.pan(across, down);
    const step = isFine ? STEP / 10 : STEP;
    const [dx, dy] = [across * step, down * step];
    const sides = isSize ? { width: box.width + dx, height: box.height + dy } : { x: box.x + dx, y: box.y + dy };
    this.reshape(box, sides);
  }

  #step(by) {
    if (!this.boxes.length) return this.say("There is no box yet.");
    const here = this.chosen ? this.boxes.indexOf(this.chosen) : by > 0 ? -1 : this.boxes.length;
    this.select(this.boxes[Math.min(Math.max(here + by, 0), this.boxes.length - 1)]);
  }

  /* Drawing and changing */

  press(button) {
    if (button.disabled) return;
    if (button === this.noneButton) return this.answer([]);
    if (button === this.addButton) return this.draw(MIDDLE);
    this.brush = button;
    if (!this.chosen) {
      this.#markBrush();
      return this.say(`${button.dataset.words} is drawn next.`);
    }
    const changed = this.#drawn({ ...this.chosen, label: button.dataset.value });
    if (this.#isThere(changed, this.chosen)) return this.say("This is marked so already.");
    this.#change(this.boxes.map((box) => (box === this.chosen ? changed : box)));
    this.select(changed);
  }

  pressFirst() {
    super.pressFirst();
    this.clear();
  }

  draw(sides) {
    if (!this.isOpen) return;
    const box = this.#drawn({ ...within(sides), label: this.brush.dataset.value });
    if (sides.width < SMALLEST || sides.height < SMALLEST) return this.say("This box is too small to be seen.");
    if (this.#isThere(box)) return this.say("This is marked so already.");
    this.#change([...this.boxes, box]);
    this.select(box);
  }

  /* Other sides for a box, kept inside the image: one that is moved keeps its size. */
  reshape(box, sides) {
    const isMove = !("width" in sides || "height" in sides);
    const changed = { ...box, ...(isMove ? moved(box, sides) : within({ ...box, ...sides })) };
    if (this.#isThere(changed, box)) return this.say("This is marked so already.");
    const boxes = this.boxes.map((one) => (one === box ? changed : one));
    if (this.moved === box) this.boxes = boxes; // one change for a run of steps
    else this.#change(boxes);
    this.moved = this.chosen = changed;
    this.keep(this.value);
    this.canvas.update(box, changed);
    this.table.update(box, changed);
    this.say(this.#described(changed));
  }

  remove(box) {
    this.#change(this.boxes.filter((one) => one !== box));
    this.select(null);
    this.say(`${box.name} removed. ${this.boxes.length} marked.`);
  }

  back() {
    if (this.canvas.dropPoint()) return;
    const before = this.past.pop();
    if (!before) return this.say("Nothing was changed here.");
    this.boxes = before;
    this.keep(this.value);
    this.select(null);
    this.say(`Taken back. ${this.boxes.length} marked.`);
  }

  select(box) {
    this.chosen = box;
    this.moved = null;
    this.canvas.dropPoints();
    this.#draw();
    if (box) this.say(`${this.#described(box)} A label's key changes it, Delete removes it.`);
  }

  #change(boxes) {
    this.past.push(this.boxes);
    if (this.past.length > UNDO) this.past.shift();
    this.boxes = boxes;
    this.moved = null;
    this.keep(this.value);
  }

  #isThere(box, instead) {
    return this.boxes.some((one) => one !== instead && one.label === box.label && ["x", "y", "width", "height"].every((side) => one[side] === box[side]));
  }

  get value() {
    return this.boxes.map(({ x, y, width, height, label }) => ({ x, y, width, height, label })).sort(inOrder);
  }

  send() {
    if (this.sendButton.disabled) return;
    if (this.canvas.points.length) return this.say("Four points make a box; Escape leaves them out.");
    if (this.boxes.length) return this.answer(this.value);
    const key = this.noneButton.dataset.key.toUpperCase();
    this.say(`Nothing is marked. If there is nothing to mark, say so${key ? ` with ${key}` : ""}.`);
  }

  answer(value) {
    this.choose({ value, skip: false, words: this.words(value) });
  }

  #button(label) {
    return this.buttons.find((button) => button.dataset.value === label);
  }

  #drawn({ x, y, width, height, label }) {
    const button = this.#button(label);
    return { x, y, width, height, label, name: button?.dataset.words ?? label, colour: button?.dataset.colour ?? "8" };
  }

  #described({ name, x, y, width, height }) {
    const percent = (part) => Number((part * 100).toFixed(1));
    return `${name}: ${percent(x)} to ${percent(x + width)} % across, ${percent(y)} to ${percent(y + height)} % down.`;
  }

  #pointed(n) {
    this.state.hidden = !n;
    this.state.textContent = `Point ${n} of 4`;
    if (n && this.chosen) {
      this.chosen = null;
      this.#draw();
    }
    if (n) this.say(`Point ${n} of 4.`);
  }

  #markBrush() {
    const shown = this.chosen ? this.#button(this.chosen.label) : this.brush;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button === shown));
  }

  #draw() {
    this.canvas.drawAll(this.boxes, this.chosen);
    this.table.drawAll(this.boxes, this.chosen, this.scope.querySelector(".stage"));
    this.count.textContent = this.boxes.length ? ` ${this.boxes.length}` : "";
    this.sendButton.classList.toggle("primary", this.boxes.length > 0);
    this.#markBrush();
  }
}

const rounded = (part) => Number(part.toFixed(6));
const between = (part, low, high) => Math.min(Math.max(part, low), high);

/* A box cut at the edges of the image. */
function within({ x, y, width, height }) {
  const [left, top] = [between(x, 0, 1 - SMALLEST), between(y, 0, 1 - SMALLEST)].map(rounded);
  return { x: left, y: top, width: rounded(between(width, SMALLEST, 1 - left)), height: rounded(between(height, SMALLEST, 1 - top)) };
}

function moved({ width, height, ...box }, sides) {
  const { x, y } = { ...box, ...sides };
  return { x: rounded(between(x, 0, 1 - width)), y: rounded(between(y, 0, 1 - height)) };
}

/* As the server sorts. */
function inOrder(one, other) {
  return one.x - other.x || one.y - other.y || other.width - one.width || other.height - one.height || (one.label < other.label ? -1 : 1);
}
