/* The last ten answers, hanging on the line; the newest stands at now. */

const SHOWN = 10;

export class Strip {
  constructor(list, open) {
    this.list = list;
    this.open = open;
  }

  draw(entries, current) {
    this.list.replaceChildren(...entries.slice(-SHOWN).map((entry) => this.#line(entry, entry === current)));
  }

  /* The cheap path of every key press: one line more, one less. */
  add(entry) {
    this.list.append(this.#line(entry, false));
    while (this.list.childElementCount > SHOWN) this.list.firstElementChild.remove();
  }

  #line(entry, isCurrent) {
    const line = document.createElement("li");
    line.classList.toggle("edited", Boolean(entry.edited));
    line.classList.toggle("skipped", Boolean(entry.skip));
    if (isCurrent) line.setAttribute("aria-current", "true");
    const button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", () => this.open(entry));
    if (entry.thumb) button.append(thumb(entry.thumb));
    const given = document.createElement("span");
    given.className = "given";
    given.textContent = entry.words;
    button.append(given);
    button.title = `${entry.words}: correct this answer`;
    line.append(button);
    return line;
  }
}

function thumb(src) {
  const frame = document.createElement("span");
  frame.className = "pixels small";
  const image = document.createElement("img");
  Object.assign(image, { src, alt: "", width: 26, height: 26 });
  frame.append(image);
  return frame;
}
