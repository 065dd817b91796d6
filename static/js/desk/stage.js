/* The stage: the item in front, or the words for why there is none. */

const ENLARGED = 352; // pixels, the side that a small image is enlarged to at most

export class Stage {
  constructor(desk) {
    this.desk = desk;
    this.node = desk.querySelector(".stage");
    this.answers = desk.querySelector(".answers");
    addEventListener("resize", () => this.fit());
    addEventListener("online", () => this.reloadBroken());
  }

  shows(item) {
    return Boolean(item) && this.node.firstElementChild === item.node;
  }

  show(item) {
    this.#clear();
    this.node.replaceChildren(item.node);
    this.node.scrollTop = 0;
    this.fit();
    this.reloadBroken();
  }

  /* An image that did not come while the line was away is asked for again. */
  reloadBroken() {
    for (const image of this.node.querySelectorAll("img")) {
      if (image.complete && !image.naturalWidth) image.src = image.getAttribute("src");
    }
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

  focus() {
    if (document.activeElement !== this.node) this.node.focus({ preventScroll: true });
  }

  /* Small images grow by a whole number of times, so that each pixel is as large as the next. */
  fit() {
    const frames = this.node.querySelectorAll("pl-pixels.large");
    if (!frames.length) return;
    const space = Math.min(ENLARGED, innerHeight * 0.52, this.node.clientWidth - 32);
    for (const frame of frames) {
      const columns = Number(frame.getAttribute("columns"));
      const longest = Math.max(columns, Number(frame.getAttribute("rows")));
      frame.style.width = `${Math.max(1, Math.floor(space / longest)) * columns + 2}px`; // and the border
    }
  }
}
