/* The stage: the item in front, or the words for why there is none. */

import { reload } from "./buffer.js";

const ENLARGED = 352; // pixels, the side that a small image is enlarged to at most
const SMALLEST = 96; // pixels; where even that does not fit, the stage scrolls
const DOUBLE_CLICK_MS = 350;

export class Stage {
  constructor(desk) {
    this.desk = desk;
    this.node = desk.querySelector(".stage");
    this.answers = desk.querySelector(".answers");
    addEventListener("resize", () => this.fit());
    this.sizes = new ResizeObserver(() => this.#reach());
  }

  shows(item) {
    return Boolean(item) && this.node.firstElementChild === item.node;
  }

  show(item) {
    this.#clear();
    if (!this.shows(item)) this.since = performance.now();
    this.node.replaceChildren(item.node);
    this.node.scrollTop = 0;
    this.fit();
    this.sizes.disconnect();
    for (const node of [this.node, item.node]) this.sizes.observe(node);
    reload(item.node);
  }

  /* The second click of a double click: it meets an item that nobody can have looked at. A touch counts no clicks. */
  isTooSoon({ detail, pointerType, timeStamp }) {
    return (detail > 1 || pointerType === "touch") && timeStamp - this.since < DOUBLE_CLICK_MS;
  }

  wait(words) {
    this.#clear();
    const line = document.createElement("p");
    line.className = "wait ink-3";
    line.textContent = words;
    this.node.replaceChildren(line);
  }

  nothing(html) {
    this.#clear();
    const template = document.createElement("template");
    template.innerHTML = html;
    this.node.hidden = this.answers.hidden = true;
    this.node.replaceChildren();
    this.node.after(template.content.firstElementChild);
  }

  #clear() {
    this.desk.querySelector(":scope > .nothing")?.remove();
    this.node.hidden = this.answers.hidden = false;
  }

  /* What is longer than the stage is scrolled by the arrow keys, so Tab reaches it. */
  #reach() {
    this.node.tabIndex = this.node.scrollHeight > this.node.clientHeight ? 0 : -1;
  }

  focus() {
    if (document.activeElement !== this.node) this.node.focus({ preventScroll: true });
  }

  /* Images are as high as the stage leaves beside the rest of the item. Small ones grow by a whole number of times, so
     that each pixel is as large as the next. */
  fit() {
    const images = this.node.querySelectorAll("figure img");
    if (!images.length) return;
    this.node.style.setProperty("--image-height", "0px");
    for (const image of images) if (image.parentElement.matches("pl-pixels")) image.parentElement.style.width = "0";
    const { paddingBlockStart, paddingBlockEnd } = getComputedStyle(this.node);
    const rest = this.node.firstElementChild.offsetHeight + parseFloat(paddingBlockStart) + parseFloat(paddingBlockEnd);
    const height = Math.max(SMALLEST, Math.floor((this.node.clientHeight - rest) / images.length));
    this.node.style.setProperty("--image-height", `${height}px`);
    for (const frame of this.node.querySelectorAll("pl-pixels.large")) {
      const [columns, rows] = ["columns", "rows"].map((name) => Number(frame.getAttribute(name)));
      const times = Math.min(ENLARGED / Math.max(columns, rows), (height - 2) / rows, (this.node.clientWidth - 34) / columns);
      frame.style.width = `${Math.max(1, Math.floor(times)) * columns + 2}px`; // and the border
    }
  }
}
