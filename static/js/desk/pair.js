/* Two inputs side by side: A, B, a tie, or neither, by letter; the arrows mean the side that they point to. See labels.js
   for what the desk calls. */

import { Control as OneLabel } from "./labels.js";

export class Control extends OneLabel {
  constructor(given) {
    super(given);
    this.between = given.scope.querySelector(".labels.pair").dataset.between.split("|");
    this.isSwapped = false;
  }

  /* Draw the two beside each other; which one stands at the left follows from the lease, so that it stays and is known. */
  show(item) {
    this.isSwapped = isOdd(item.lease);
    if (item.node.querySelector(":scope > .two")) return;
    const panes = this.between.map((name) => item.node.querySelector(`:scope > [data-input="${CSS.escape(name)}"]`));
    if (panes.some((pane) => !pane)) return;
    const two = document.createElement("div");
    two.className = "two";
    panes[0].before(two);
    panes.forEach((pane, place) => pane.prepend(heading("AB"[place], pane)));
    two.append(...(this.isSwapped ? panes.reverse() : panes));
    for (const pane of panes) pane.classList.add("pane");
  }

  keyed(event) {
    if (event.shiftKey || event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.("textarea, input")) return null;
    const side = { ArrowLeft: 0, ArrowRight: 1 }[event.key];
    if (side === undefined || document.documentElement.dataset.keys === "off") return null;
    const value = "ab"[this.isSwapped ? 1 - side : side];
    return () => event.repeat || this.press(this.buttons.find((button) => button.dataset.value === value));
  }
}

/* The letter in place of the input's own name, which may say who wrote it. */
function heading(letter, pane) {
  pane.querySelector(":scope > p.ink-3, :scope > figcaption")?.remove();
  const head = document.createElement("p");
  head.className = "letter";
  head.textContent = letter;
  return head;
}

function isOdd(text) {
  return [...text].reduce((sum, sign) => sum + sign.codePointAt(0), 0) % 2 === 1;
}
