/* An order of candidates: the arrows choose one, a digit gives it its place, Shift with an arrow moves it, Enter sends.
   By touch each candidate takes the next free place. See labels.js for what the desk calls. */

const LETTERS = "ABCDEFGHIJKLMNOPQRST";
const DIGIT = /^(?:Digit|Numpad)(\d)$/;

export class Control {
  constructor({ scope, choose, say, keep, isTooSoon }) {
    Object.assign(this, { choose, say, keep, scope });
    const [root, list, state, send] = ["#ranking", "#ranking-list", "#ranking-state", "#send-ranking"].map((id) => scope.querySelector(id));
    Object.assign(this, { list, state, sendButton: send, asked: root.dataset.asked, isPartial: root.dataset.partial === "yes" });
    this.isOpen = false;
    this.candidates = [];
    this.places = []; // the id at each place, null where none is
    this.chosen = null;
    send.addEventListener("click", (event) => isTooSoon(event) || this.send());
    list.addEventListener("click", (event) => isTooSoon(event) || this.#clicked(event.target.closest("button")));
  }

  find() {
    return null;
  }

  press() {}

  pressFirst() {}

  clear() {}

  words(value) {
    const letters = new Map(this.asked ? [] : this.candidates.map(({ id, letter }) => [id, letter]));
    return value.filter(Boolean).map((id) => letters.get(id) ?? id).join(", ");
  }

  /* Draw the candidates in an order that follows from the lease, so that nobody is first everywhere. */
  show(item) {
    if (this.lease === item.lease) return;
    this.lease = item.lease;
    const nodes = this.#nodes(item.node, item.about);
    const known = item.about.map((one, place) => ({ ...one, letter: LETTERS[place], node: nodes[place] }));
    this.candidates = shuffled(known, item.lease);
    this.places = known.map(() => null);
    this.chosen = this.candidates[0] ?? null;
    if (!item.node.querySelector(".candidate") && nodes.every(Boolean)) this.#arrange(nodes);
  }

  #nodes(node, about) {
    if (node.querySelector(".candidate")) return about.map(({ id }) => node.querySelector(`[data-candidate="${CSS.escape(id)}"]`));
    if (this.asked) return [...node.querySelectorAll(`:scope > [data-input="${CSS.escape(this.asked)}"] .turn`)];
    return about.map(({ id }) => node.querySelector(`:scope > [data-input="${CSS.escape(id)}"]`));
  }

  #arrange(nodes) {
    const place = document.createComment("");
    nodes[0]?.before(place);
    for (const { id, node, letter } of this.candidates) {
      node.querySelector(":scope > p.ink-3, :scope > figcaption, :scope > .who")?.remove();
      node.prepend(Object.assign(document.createElement("p"), { className: "letter", textContent: letter }));
      node.classList.add("candidate");
      node.dataset.candidate = id;
      place.before(node);
    }
    place.remove();
  }

  mark(value) {
    this.places = this.candidates.map((_, place) => this.candidates.find(({ id }) => id === value?.[place])?.id ?? null);
    this.#draw();
  }

  allow(isOpen) {
    this.isOpen = isOpen;
    this.sendButton.disabled = !isOpen;
    for (const button of this.list.querySelectorAll("button")) button.disabled = !isOpen;
  }

  /* Keys */

  keyed(event) {
    const { key, code, target, shiftKey } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || target.closest?.("input, textarea, select, dialog")) return null;
    if (!this.isOpen || !this.candidates.length) return null;
    if (key === "ArrowUp" || key === "ArrowDown") return () => (shiftKey ? this.move : this.step).call(this, key === "ArrowDown" ? 1 : -1);
    if (key === "Delete" && this.chosen) return () => this.place(this.chosen, null);
    if (key === "Enter" && !target.closest?.("button, a, summary")) return () => this.send();
    if (document.documentElement.dataset.keys === "off" || shiftKey) return null;
    const digit = DIGIT.exec(code)?.[1];
    return digit === undefined ? null : () => this.placeAt(digit === "0" ? 10 : Number(digit));
  }

  step(by) {
    const rows = this.#rows();
    const at = rows.indexOf(this.chosen) + by;
    this.chosen = rows[Math.min(Math.max(at, 0), rows.length - 1)];
    this.#draw();
    this.#tell();
  }

  move(by) {
    const at = this.#placeOf(this.chosen);
    if (at < 0) return this.place(this.chosen, by < 0 ? this.places.indexOf(null) : this.places.lastIndexOf(null), { stay: true });
    const to = at + by;
    if (to >= 0 && to < this.places.length) this.place(this.chosen, to, { stay: true });
  }

  placeAt(number) {
    if (number > this.places.length) return this.say(`There are ${this.places.length} places.`);
    this.place(this.chosen, number - 1);
  }

  /* Give a candidate a place, and who stood there the place that it had; null takes its place away. The last one that
     is left gets the last place that is left. */
  place(candidate, to, { stay = false } = {}) {
    const from = this.#placeOf(candidate);
    const other = to === null ? null : this.places[to];
    if (from >= 0) this.places[from] = other;
    if (to !== null) this.places[to] = candidate.id;
    const left = this.#left();
    if (to !== null && left.length === 1 && !this.isPartial) this.places[this.places.indexOf(null)] = left[0].id;
    this.chosen = candidate;
    this.keep(this.places);
    if (to !== null && !stay) this.chosen = this.#left()[0] ?? candidate;
    this.#draw();
    this.#tell(candidate);
  }

  #tell(candidate = this.chosen) {
    const at = this.#placeOf(candidate);
    const next = candidate !== this.chosen ? ` Next: ${this.chosen.letter}, ${this.chosen.words}` : "";
    this.say(`${candidate.letter}, ${candidate.words}: ${at < 0 ? "no place" : `place ${at + 1} of ${this.places.length}`}.${next}`);
  }

  #clicked(button) {
    if (!button || button.disabled) return;
    const candidate = this.candidates.find(({ id }) => id === button.closest("li").dataset.id);
    const act = button.dataset.act;
    if (act === "choose" && this.#placeOf(candidate) < 0) return this.place(candidate, this.places.indexOf(null));
    this.chosen = candidate;
    if (act === "up" || act === "down") return this.move(act === "up" ? -1 : 1);
    if (act === "drop") return this.place(candidate, null);
    this.#draw();
    this.#tell();
  }

  get value() {
    return this.places.filter((id) => id !== null);
  }

  send() {
    if (this.sendButton.disabled) return;
    const left = this.#left().length;
    if (!this.value.length || (left && !this.isPartial)) {
      return this.say(this.isPartial ? "Give one candidate a place first." : `${left} ${left === 1 ? "has" : "have"} no place yet.`);
    }
    this.choose({ value: this.value, skip: false, words: this.words(this.value) });
  }

  /* Drawing */

  #placeOf(candidate) {
    return candidate ? this.places.indexOf(candidate.id) : -1;
  }

  #left() {
    return this.candidates.filter((one) => this.#placeOf(one) < 0);
  }

  #rows() {
    const placed = this.places.map((id) => this.candidates.find((one) => one.id === id)).filter(Boolean);
    return [...placed, ...this.#left()];
  }

  #draw() {
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    this.list.replaceChildren(...this.#rows().map((candidate) => this.#line(candidate)));
    const left = this.#left().length;
    const isWhole = this.candidates.length > 0 && (this.isPartial ? this.value.length > 0 : !left);
    this.state.textContent = left ? `${left} of ${this.candidates.length} without a place` : "";
    this.sendButton.classList.toggle("primary", isWhole);
    for (const { id, node } of this.candidates) node?.classList.toggle("chosen", id === this.chosen?.id);
    if (focused) this.#focusAgain(focused);
  }

  #focusAgain(act) {
    const row = [...this.list.children].find(({ dataset }) => dataset.id === this.chosen?.id);
    (row?.querySelector(`[data-act="${act}"]:not(:disabled)`) ?? row?.querySelector("button") ?? this.scope.querySelector(".stage")).focus();
  }

  #line(candidate) {
    const at = this.#placeOf(candidate);
    const line = document.createElement("li");
    line.dataset.id = candidate.id;
    const called = `${candidate.letter}${candidate.words ? `, ${candidate.words}` : ""}`;
    const choose = button("choose", "", `${called}: ${at < 0 ? "no place" : `place ${at + 1}`}`);
    choose.setAttribute("aria-pressed", String(candidate === this.chosen));
    choose.append(element("b", at < 0 ? "–" : String(at + 1)), element("i", candidate.letter), element("span", candidate.words));
    line.append(choose);
    line.append(button("up", "↑", `Move ${candidate.letter} up`), button("down", "↓", `Move ${candidate.letter} down`));
    line.append(button("drop", "×", `Take the place of ${candidate.letter} away`));
    if (at < 0) line.lastElementChild.style.visibility = "hidden";
    for (const each of line.children) each.disabled = !this.isOpen || (each.dataset.act === "drop" && at < 0);
    return line;
  }
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}

function button(act, text, label) {
  const made = element("button", text);
  Object.assign(made, { type: "button", ariaLabel: label });
  made.dataset.act = act;
  return made;
}

/* The same order for the same lease (a linear congruential generator behind a hash of its name). */
function shuffled(given, lease) {
  const order = [...given];
  let state = [...lease].reduce((sum, sign) => (Math.imul(sum, 31) + sign.codePointAt(0)) >>> 0, 7);
  for (let at = order.length - 1; at > 0; at -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (at + 1));
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}
