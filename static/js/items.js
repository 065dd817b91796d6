/* The list of items: rows are chosen with x, a run of them with shift, and opened with o; an address is copied. */

import { actionOf, isTyping, toast } from "./shell.js";

const boxes = (form) => [...form.querySelectorAll("input[name=item]")];
let last = null; // the box that was chosen last: where a run begins

function form() {
  return document.querySelector("form.selection");
}

/* The box of the row that has the focus. */
function here() {
  const row = document.activeElement?.closest("form.selection tr, form.selection li.card");
  return row?.querySelector("input[name=item]") ?? null;
}

function choose(box, { run }) {
  const all = boxes(box.form);
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
  if (run && last && from >= 0) for (const each of all.slice(from, to + 1)) each.checked = box.checked;
  last = box;
  say(box.form);
}

function say(list) {
  const count = boxes(list).filter(({ checked }) => checked).length;
  const words = list.querySelector(".chosen");
  if (words) words.textContent = count ? `${count} selected` : "";
}

function onKey(event) {
  if (event.key === "Enter" && event.target.id === "tag-name") {
    event.preventDefault(); // the form's own first button would add to a queue
    event.target.closest(".panel").querySelector("button").click();
    return;
  }
  if (event.defaultPrevented || isTyping(event) || !form() || document.querySelector("dialog[open]")) return;
  const act = actionOf(event);
  const box = here();
  if (act === "select" && box) {
    box.checked = !box.checked;
    choose(box, { run: event.shiftKey });
  } else if (act === "open" && box) {
    box.closest("tr, li").querySelector("[data-step]").click();
  } else if (event.key === "Escape" && boxes(form()).some(({ checked }) => checked)) {
    for (const each of boxes(form())) each.checked = false;
    say(form());
  } else return;
  event.preventDefault();
}

document.addEventListener("keydown", onKey);
document.addEventListener("click", (event) => {
  if (event.target.matches?.("form.selection input[name=item]")) choose(event.target, { run: event.shiftKey });
});

/* <pl-copy>: a text field with a button that copies it; without a script the field is there to copy from. */
class Copy extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    button.hidden = false;
    button.addEventListener("click", () => this.copy());
  }

  async copy() {
    const field = this.querySelector("textarea");
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      toast("Copied.");
    } catch {
      toast("Copy it with the keyboard: the text is selected.");
    }
  }
}

customElements.define("pl-copy", Copy);
