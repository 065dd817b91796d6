/* The image with its boxes: pointers draw, choose, move and resize; it can be enlarged, and scrolled where it is. */

const MOVED_PX = 5; // from which a press is a drag
const EDGE_PX = { mouse: 6, pen: 8, touch: 12 };
const POINTS = 4;
const MOST_ZOOM = 8;
const ENLARGED = 352; // pixels, the longer side of a small image
const SMALL = 176;

export class BoxCanvas {
  constructor(acts) {
    this.acts = acts;
    this.points = [];
    this.nodes = new Map();
    this.pointers = new Map();
    this.scale = 1;
    addEventListener("resize", () => this.#reset());
  }

  show(image) {
    if (this.image !== image) this.points = [];
    this.image = image;
    this.pointers.clear();
    this.press = null;
    if (!image) return (this.layer = this.frame = null);
    this.frame = image.closest(".canvas") ?? this.#framed(image);
    this.layer = this.frame.querySelector(".layer");
    this.#reset();
  }

  #framed(image) {
    const [frame, sheet, layer] = ["canvas", "sheet", "layer"].map((name) => Object.assign(document.createElement("div"), { className: name }));
    layer.ariaHidden = "true"; // the table says the same
    const outer = image.closest("pl-pixels") ?? image;
    outer.before(frame);
    frame.append(sheet);
    sheet.append(image, layer);
    if (outer !== image) outer.remove();
    const [width, height] = ["width", "height"].map((name) => Number(image.getAttribute(name)));
    if (Math.max(width, height) <= SMALL) {
      frame.classList.add("small");
      image.dataset.width = `${Math.max(1, Math.floor(ENLARGED / Math.max(width, height))) * width}px`;
      image.style.width = image.dataset.width;
    }
    const listen = { pointerdown: "down", pointermove: "move", pointerup: "up", pointercancel: "cancel" };
    for (const [name, act] of Object.entries(listen)) layer.addEventListener(name, (event) => this[act](event));
    layer.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    return frame;
  }

  /* Pointers */

  down(event) {
    if (event.button || !this.acts.isOpen(event)) return;
    this.layer.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size === 2) return this.#beginPinch();
    if (this.pointers.size > 2) return;
    const at = this.#place(event);
    const grip = event.target.dataset.corner;
    const box = this.#chosen;
    const isInside = box && at.x > box.x && at.x < box.x + box.width && at.y > box.y && at.y < box.y + box.height;
    const shape = grip ? "resize" : isInside ? "move" : "draw";
    this.press = { at, event, grip, box, shape, isDrag: false };
  }

  move(event) {
    if (!this.pointers.has(event.pointerId)) return;
    this.pointers.set(event.pointerId, event);
    if (this.pinch) return this.#pinched();
    const { press } = this;
    if (!press) return;
    press.isDrag ||= Math.hypot(event.clientX - press.event.clientX, event.clientY - press.event.clientY) > MOVED_PX;
    if (!press.isDrag) return;
    const at = this.#place(event);
    if (press.shape === "draw") this.#preview(around([press.at, at]));
    else this.#reshape(press, at);
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    const { press } = this;
    if (this.pinch || !press) return this.#endPinch();
    this.press = null;
    this.#preview(null);
    if (!press.isDrag) return this.#clicked(event, press.at);
    if (press.shape !== "draw") return;
    this.dropPoints();
    this.acts.draw(around([press.at, this.#place(event)]));
  }

  cancel(event) {
    this.pointers.delete(event.pointerId);
    this.press = null;
    this.#preview(null);
    this.#endPinch();
  }

  #reshape(press, at) {
    const { box, grip } = press;
    if (press.shape === "move") {
      this.acts.reshape(this.#chosen, { x: box.x + at.x - press.at.x, y: box.y + at.y - press.at.y });
      return;
    }
    const across = grip.includes("e") ? box.x : box.x + box.width; // the corner that stays
    const down = grip.includes("s") ? box.y : box.y + box.height;
    this.acts.reshape(this.#chosen, around([{ x: across, y: down }, at]));
  }

  /* A click on the edge of a box chooses it; any other is a point, and four points at the ends of a thing are its box. */
  #clicked(event, at) {
    const box = this.points.length ? null : this.#edgeAt(event);
    if (box) return this.acts.choose(box);
    this.points.push(at);
    if (this.points.length < POINTS) {
      this.acts.pointed(this.points.length);
      return this.#drawPoints();
    }
    const sides = around(this.points);
    this.dropPoints();
    this.acts.draw(sides);
  }

  #edgeAt(event) {
    const { width, height } = this.layer.getBoundingClientRect();
    const near = EDGE_PX[event.pointerType] ?? EDGE_PX.mouse;
    const at = this.#place(event);
    const [x, y] = [at.x * width, at.y * height];
    return [...this.nodes.keys()].findLast((box) => {
      const [left, top, right, bottom] = [box.x * width, box.y * height, (box.x + box.width) * width, (box.y + box.height) * height];
      const isAround = x > left - near && x < right + near && y > top - near && y < bottom + near;
      return isAround && Math.min(Math.abs(x - left), Math.abs(x - right), Math.abs(y - top), Math.abs(y - bottom)) <= near;
    });
  }

  dropPoint() {
    const dropped = this.points.pop();
    if (!dropped) return false;
    this.acts.pointed(this.points.length);
    this.#drawPoints();
    return true;
  }

  dropPoints() {
    if (!this.points.length) return;
    this.points = [];
    this.acts.pointed(0);
    this.#drawPoints();
  }

  /* As fractions of the image, inside it. */
  #place({ clientX, clientY }) {
    const { left, top, width, height } = this.layer.getBoundingClientRect();
    const inside = (part) => Math.min(Math.max(part, 0), 1);
    return { x: inside((clientX - left) / width), y: inside((clientY - top) / height) };
  }

  /* Size */

  zoomBy(direction, at = null) {
    this.#zoomTo(this.scale * (direction > 0 ? 1.5 : 1 / 1.5), at);
  }

  #zoomTo(wanted, at) {
    if (!this.frame) return;
    const scale = Math.min(Math.max(wanted, 1), MOST_ZOOM);
    if (scale < 1.01) return this.#reset();
    const { left, top, width, height } = this.frame.getBoundingClientRect();
    this.base ??= { width, height };
    const focus = at ?? { clientX: left + width / 2, clientY: top + height / 2 };
    const place = this.#place(focus);
    this.scale = scale;
    this.frame.classList.add("zoomed");
    Object.assign(this.frame.style, { width: `${this.base.width}px`, height: `${this.base.height}px` });
    this.frame.querySelector(".sheet").style.width = `${this.base.width * scale}px`;
    this.image.style.width = "100%";
    this.frame.scrollLeft = place.x * this.base.width * scale - (focus.clientX - left);
    this.frame.scrollTop = place.y * this.base.height * scale - (focus.clientY - top);
    Object.assign(this.frame, { tabIndex: 0, role: "group", ariaLabel: "Enlarged image" });
    this.acts.zoomed(scale);
  }

  #reset() {
    this.scale = 1;
    this.base = null;
    if (!this.frame) return;
    this.frame.classList.remove("zoomed");
    this.frame.removeAttribute("tabindex");
    Object.assign(this.frame.style, { width: "", height: "" });
    this.frame.querySelector(".sheet").style.width = "";
    this.image.style.width = this.image.dataset.width ?? "";
    this.acts.zoomed(1);
  }

  pan(across, down) {
    if (this.scale > 1) this.frame.scrollBy(across * this.base.width * 0.15, down * this.base.height * 0.15);
  }

  #wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.zoomBy(-event.deltaY, event);
  }

  /* Two fingers enlarge and move the image; they draw nothing. */
  #beginPinch() {
    this.press = null;
    this.#preview(null);
    this.pinch = { ...this.#fingers(), scale: this.scale };
  }

  #pinched() {
    if (this.pointers.size < 2) return;
    const now = this.#fingers();
    this.#zoomTo((this.pinch.scale * now.apart) / this.pinch.apart, now);
    if (this.scale > 1) this.frame.scrollBy(this.pinch.clientX - now.clientX, this.pinch.clientY - now.clientY);
    Object.assign(this.pinch, { clientX: now.clientX, clientY: now.clientY });
  }

  #endPinch() {
    if (!this.pointers.size) this.pinch = null;
  }

  #fingers() {
    const [one, other] = this.pointers.values();
    const apart = Math.max(Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY), 1);
    return { apart, clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 };
  }

  /* Drawing */

  #chosen = null;

  drawAll(boxes, chosen) {
    this.#chosen = chosen;
    this.nodes = new Map(boxes.map((box) => [box, boxNode(box, box === chosen)]));
    this.layer?.replaceChildren(...this.nodes.values());
    this.#drawPoints();
  }

  update(box, changed) {
    const node = this.nodes.get(box);
    this.nodes = new Map([...this.nodes].map(([one, each]) => [one === box ? changed : one, each]));
    if (this.#chosen === box) this.#chosen = changed;
    if (node) shape(node, changed);
  }

  #preview(sides) {
    this.layer?.querySelector(".preview")?.remove();
    if (!sides) return;
    const node = Object.assign(document.createElement("div"), { className: "preview" });
    shape(node, sides);
    this.layer.append(node);
  }

  #drawPoints() {
    if (!this.layer) return;
    for (const node of this.layer.querySelectorAll(".point")) node.remove();
    for (const { x, y } of this.points) {
      const node = Object.assign(document.createElement("div"), { className: "point" });
      Object.assign(node.style, { left: `${x * 100}%`, top: `${y * 100}%` });
      this.layer.append(node);
    }
  }
}

function boxNode(box, isChosen) {
  const node = Object.assign(document.createElement("div"), { className: `box mark-${box.colour}${isChosen ? " chosen" : ""}` });
  shape(node, box);
  node.append(Object.assign(document.createElement("b"), { textContent: box.name }));
  if (!isChosen) return node;
  for (const corner of ["nw", "ne", "sw", "se"]) {
    const grip = Object.assign(document.createElement("i"), { className: `grip ${corner}` });
    grip.dataset.corner = corner;
    node.append(grip);
  }
  return node;
}

function shape(node, { x, y, width, height }) {
  Object.assign(node.style, { left: `${x * 100}%`, top: `${y * 100}%`, width: `${width * 100}%`, height: `${height * 100}%` });
}

/* The smallest box around points. */
function around(points) {
  const [xs, ys] = ["x", "y"].map((name) => points.map((point) => point[name]));
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}
