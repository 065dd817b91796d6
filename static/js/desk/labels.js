/* The label buttons: found by key, narrowed by a search that never moves or renumbers them.

   A kind of task names a module like this one, which exports `Control`. The desk makes one with the element to look in,
   `choose({ value, skip, words })` to call with an answer, `say(words)` and `isTooSoon(event)`. It calls
   words(value)   the value as a person reads it
   find(keys)     what a key press means, or null; press(found) answers with it, pressFirst() with the first that is shown
   mark(value)    show what was answered before, null for nothing; clear() before the next item
   allow(isOpen)  whether an answer can be given now
   and reads `search`, an input in which letters are typed, if there is one. A control whose answers take more than one
   press may also have
   keyed(event)   what a key does that is its own, as a function, or null; asked first, also while a person types
   show(item)     the item that is in front now: {lease, node, about}
   focus()        where the focus goes with the next item, true where it took it
   and gets `keep(value)`, which keeps a part of an answer with its item, through an undo and a reload. */

const FLASH_MS = 80;

/* What all kinds share whose answers are labels. */
export class LabelButtons {
  constructor({ scope, choose, say, isTooSoon }) {
    Object.assign(this, { choose, say });
    this.buttons = [...scope.querySelectorAll("[data-value]")];
    this.search = scope.querySelector("#find");
    this.byKey = new Map(this.buttons.map((button) => [button.dataset.key.toLowerCase(), button]));
    this.byKey.delete("");
    this.hasShifted = [...this.byKey.keys()].some((key) => /^\+\d$/.test(key));
    for (const button of this.buttons) {
      button.addEventListener("click", (event) => isTooSoon(event) || this.press(button));
    }
    this.search?.addEventListener("input", () => this.#narrow());
  }

  /* The first button that carries one of these keys. Where Shift with a digit means 11 to 20, it never means the plain
     digit that some layouts (AZERTY) write with Shift. */
  find(keys) {
    const isShifted = this.hasShifted && keys?.[0]?.startsWith("+");
    const meant = isShifted ? keys.filter((key) => !/^\d$/.test(key)) : keys;
    return meant?.map((key) => this.byKey.get(key)).find(Boolean) ?? null;
  }

  /* Enter in the search answers with the label that it marks; without a text it marks none. */
  pressFirst() {
    const first = this.buttons.find((button) => button.classList.contains("first"));
    if (first) this.press(first);
  }

  allow(isOpen) {
    for (const button of this.buttons) if (button.disabled === isOpen) button.disabled = !isOpen;
  }

  #narrow() {
    const wanted = this.search.value.trim().toLowerCase();
    for (const button of this.buttons) button.hidden = !button.textContent.toLowerCase().includes(wanted);
    const found = this.buttons.filter((button) => !button.hidden);
    const first = wanted ? found.find((button) => !button.disabled) : null;
    this.#markFirst(first);
    this.say(`${found.length} of ${this.buttons.length} labels.${first ? ` Enter answers ${first.dataset.words}.` : ""}`);
  }

  #markFirst(first) {
    for (const button of this.buttons) button.classList.toggle("first", button === first);
  }

  clear() {
    if (!this.search?.value) return;
    this.search.value = "";
    for (const button of this.buttons) button.hidden = false;
    this.#markFirst(null);
  }
}

/* One label: its key or its button answers. */
export class Control extends LabelButtons {
  words(value) {
    return this.buttons.find((button) => button.dataset.value === value)?.dataset.words ?? String(value);
  }

  press(button) {
    if (button.disabled) return;
    button.classList.add("pressed");
    setTimeout(() => button.classList.remove("pressed"), FLASH_MS);
    this.choose({ value: button.dataset.value, skip: false, words: button.dataset.words });
  }

  /* Mark what was answered before; null marks nothing. */
  mark(value) {
    for (const button of this.buttons) {
      const isMarked = String(button.dataset.value === value);
      if (button.getAttribute("aria-pressed") !== isMarked) button.setAttribute("aria-pressed", isMarked);
    }
  }
}
