/* The shell: keys, dialogs, menus, toasts, and what htmx leaves to us (focus, failures, words for what happened). */

import { install, isRefreshed } from "./refresh.js";

const root = document.documentElement;
const TOAST_MS = 8000;

/* Toasts: one line, said by the live region, with an undo where the act has one. */

export function toast(text, { href, action = "Undo", stay = false } = {}) {
  const region = document.getElementById("toasts");
  if (!region) return null;
  const line = document.createElement("p");
  line.className = "toast";
  const words = document.createElement("span");
  words.textContent = text;
  line.append(words);
  if (href) line.append(link(href, action));
  if (stay) line.append(closer());
  region.append(line);
  while (region.childElementCount > 3) region.firstElementChild.remove();
  if (!stay) leave(line);
  return line;
}

function link(href, text) {
  const anchor = document.createElement("a");
  anchor.href = href;
  anchor.textContent = text;
  return anchor;
}

function closer() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.dataset.dismiss = "";
  button.textContent = "Close";
  return button;
}

/* A toast waits while it is pointed at or holds the focus, so that nobody loses an undo to a clock. */
function leave(line) {
  setTimeout(() => (line.matches(":hover, :focus-within") ? leave(line) : line.remove()), TOAST_MS);
}

/* Single keys: an element with data-hotkey="action" is clicked, or focused where it takes text. */

function keymap() {
  const data = document.getElementById("keymap");
  return data ? JSON.parse(data.textContent) : {};
}

export function isTyping(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return false;
  return target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=range], [type=button], [type=submit])");
}

export function actionOf(event) {
  if (root.dataset.keys === "off" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  const acts = Object.entries(keymap());
  return namesOf(event).map((name) => acts.find(([, key]) => key === name)?.[0]).find(Boolean) ?? null;
}

/* What a key is called: the sign that the layout gives, and where that is no ASCII (Cyrillic, Greek, Hebrew), the Latin
   letter that is printed at its place too. */
export function namesOf(event) {
  const sign = event.key.toLowerCase();
  if (sign.length !== 1) return [];
  const letter = sign > "\u007f" && /^Key([A-Z])$/.exec(event.code);
  return letter ? [sign, letter[1].toLowerCase()] : [sign];
}

function onKey(event) {
  if (event.defaultPrevented || isTyping(event) || document.querySelector("dialog[open]")) return;
  const action = actionOf(event);
  if (!action) return;
  if (event.key === " " && event.target instanceof Element && event.target.closest("button, a, summary, input")) return;
  const found = [...document.querySelectorAll(`[data-hotkey="${CSS.escape(action)}"]`)];
  const target = found.find((element) => element.matches("input, textarea")) ?? found[0];
  if (!target) return step(action, event);
  if (target.matches(":disabled, [aria-disabled=true]")) return;
  event.preventDefault();
  target.closest("details:not([open])")?.setAttribute("open", "");
  if (target.matches("input:not([type=checkbox]), textarea")) target.focus();
  else target.click();
}

/* Next and previous in a list: the focus goes along the elements with data-step, from the one that has it. */
function step(action, event) {
  const by = { next: 1, previous: -1 }[action];
  const steps = [...document.querySelectorAll("[data-step]")];
  if (!by || !steps.length) return;
  event.preventDefault();
  const here = steps.findIndex((each) => each === document.activeElement || each.closest("tr, li")?.contains(document.activeElement));
  const to = here < 0 ? (by > 0 ? 0 : steps.length - 1) : Math.min(Math.max(here + by, 0), steps.length - 1);
  steps[to].focus();
}

/* Dialogs, menus, and what a click opens or shows. */

function onClick(event) {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  event.target.closest("[data-dismiss]")?.closest(".toast")?.remove();
  const reveal = event.target.closest("[data-reveal]");
  if (reveal) show(reveal);
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
}

function show(button) {
  const field = document.getElementById(button.dataset.reveal);
  const hidden = field.type === "password";
  field.type = hidden ? "text" : "password";
  button.textContent = hidden ? "Hide" : "Show";
  button.setAttribute("aria-pressed", String(hidden));
}

function onEscape(event) {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}

/* A form with data-confirm asks first, in the words of the form, and goes on by itself. */

function confirmFirst(event) {
  const form = event.target;
  const dialog = document.getElementById("confirm");
  if (!form.dataset.confirm || !dialog || form.dataset.confirmed) return;
  event.preventDefault();
  dialog.querySelector("h2").textContent = form.dataset.confirm;
  dialog.querySelector("button").textContent = form.dataset.act;
  dialog.returnValue = "";
  dialog.addEventListener("close", () => goOn(form, dialog.returnValue), { once: true });
  dialog.showModal();
}

function goOn(form, answer) {
  if (answer !== "yes") return;
  form.dataset.confirmed = "yes";
  form.requestSubmit();
}

/* A form that is under way is not sent twice; its button keeps its width and says so. */

function onSubmit(event) {
  const button = event.submitter;
  if (!button?.dataset.busy || event.defaultPrevented) return;
  if (button.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  button.style.minWidth = `${button.offsetWidth}px`;
  button.setAttribute("aria-busy", "true");
  button.dataset.words = button.textContent;
  button.textContent = button.dataset.busy;
}

function rest(scope) {
  for (const button of scope.querySelectorAll("[aria-busy=true][data-words]")) {
    button.removeAttribute("aria-busy");
    button.textContent = button.dataset.words;
  }
}

/* htmx: it swaps; where the focus goes and what is said is decided here. */

function afterSwap(event) {
  const target = event.detail.target ?? event.target;
  if (!(target instanceof Element) || isRefreshed(target)) return;
  const status = event.detail.xhr?.status;
  const scope = target.isConnected ? target : document;
  if (status === 422) return focusOn(scope.querySelector("[aria-invalid=true]") ?? scope.querySelector(".error-list"));
  const wanted = scope.querySelector("[data-focus]");
  if (wanted) return focusOn(wanted);
  if (target.id === "main") return focusOn(target.querySelector("h1"));
  if (document.activeElement === document.body && event.detail.elt?.id) {
    focusOn(document.getElementById(event.detail.elt.id));
  }
}

function focusOn(element) {
  if (!element) return;
  if (element.tabIndex < 0 && !element.hasAttribute("tabindex")) element.setAttribute("tabindex", "-1");
  element.focus({ preventScroll: element.matches("h1") });
}

function refused(event) {
  const { xhr } = event.detail;
  rest(document);
  const id = xhr.getResponseHeader("X-Request-Id");
  if (xhr.status >= 500) toast(`The server failed on this. It is noted as ${id ?? xhr.status}; try again.`, { stay: true });
  else if (xhr.status === 403) toast("This was refused. Load the page again; your session may have ended.");
  else if (xhr.status === 404) toast("This is not there any more. Load the page again.");
  else toast(detail(xhr) ?? `The server refused this (${xhr.status}).`);
}

function detail(xhr) {
  try {
    return JSON.parse(xhr.responseText).detail ?? null;
  } catch {
    return null;
  }
}

function unreachable() {
  rest(document);
  toast("The server cannot be reached. Try again when the connection is back.", { stay: true });
}

/* A server says what happened with the header HX-Trigger: {"toast": {"text": …, "href": …, "action": …}}. */
function said(event) {
  const { text, value, ...options } = event.detail;
  toast(text ?? value, options);
}

/* What scrolls sideways takes the focus, so that a keyboard can scroll it; what fits does not. */

function reachable() {
  for (const box of document.querySelectorAll(".scroll, .chart, .tabs")) {
    const scrolls = box.scrollWidth > box.clientWidth;
    if (scrolls && !box.hasAttribute("tabindex")) {
      box.tabIndex = 0;
      box.dataset.scrolls = "";
    } else if (!scrolls && box.dataset.scrolls === "") {
      box.removeAttribute("tabindex");
      delete box.dataset.scrolls;
    }
  }
}

/* The zone of this browser, for the server to show times in where the person has chosen none. */
function sayZone() {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const secure = location.protocol === "https:" ? "; Secure" : "";
  if (timeZone) document.cookie = `zone=${timeZone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

/* <pl-pixels columns rows>: the hairline grid over an image whose pixels are shown from 24 px on. */
class Pixels extends HTMLElement {
  static observedAttributes = ["columns", "rows"];

  connectedCallback() {
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this);
    this.draw();
  }

  disconnectedCallback() {
    this.watch.disconnect();
  }

  attributeChangedCallback() {
    this.draw();
  }

  draw() {
    const columns = Number(this.getAttribute("columns"));
    const rows = Number(this.getAttribute("rows"));
    this.style.setProperty("--columns", columns || 1);
    this.style.setProperty("--rows", rows || 1);
    this.toggleAttribute("data-grid", columns > 0 && this.clientWidth / columns >= 24);
  }
}

/* <pl-slider>: a range and a number field that show one value. */
class Slider extends HTMLElement {
  connectedCallback() {
    this.addEventListener("input", this);
  }

  handleEvent(event) {
    for (const field of this.querySelectorAll("input")) {
      if (field !== event.target) field.value = event.target.value;
    }
  }
}

sayZone();
customElements.define("pl-pixels", Pixels);
customElements.define("pl-slider", Slider);

document.addEventListener("keydown", onKey);
document.addEventListener("keydown", onEscape);
document.addEventListener("click", onClick);
document.addEventListener("submit", confirmFirst);
document.addEventListener("submit", onSubmit);
if (window.htmx) install(window.htmx);
document.addEventListener("htmx:afterSettle", afterSwap);
document.addEventListener("htmx:afterSettle", reachable);
document.addEventListener("toggle", reachable, true);
window.addEventListener("resize", reachable);
reachable();
document.addEventListener("htmx:afterRequest", () => rest(document));
document.addEventListener("htmx:responseError", refused);
document.addEventListener("htmx:sendError", unreachable);
document.addEventListener("htmx:timeout", unreachable);
document.addEventListener("toast", said);
document.querySelectorAll("#toasts > .toast:not([data-stays])").forEach(leave);
window.addEventListener("pageshow", () => rest(document));
