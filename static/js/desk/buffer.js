/* Leased items at hand: fetched ahead, drawn and decoded before they are needed, kept alive by heartbeats. */

const PAUSES = [1, 2, 4, 8, 15]; // seconds between tries
const LOOK_AGAIN = 30; // seconds, while nothing waits
const FAST_MS = 1500;
const FIRST = 5; // items asked for at once when the desk opens, so that the first is soon here
const DECODED = 3; // items whose images are decoded ahead; those behind them are loaded, and take less memory

export class Buffer extends EventTarget {
  #asking = null;
  #closed = false;
  #tries = 0;
  #timer = 0;
  #first = true;
  #taken = 0;
  #most = 0;

  constructor({ config, post, store, outbox }) {
    super();
    Object.assign(this, { config, post, store, outbox });
    this.items = [];
    this.nothing = "";
    this.away = false;
    this.held = `held:${config.queue ?? ""}`;
    this.progress = null;
    addEventListener("online", () => this.#back());
    document.addEventListener("visibilitychange", () => document.hidden || this.#seen());
  }

  /* The line is back: images that did not come while it was away are asked for again. */
  #back() {
    for (const { node } of this.items) reload(node);
    this.fill();
  }

  /* The person is back at this tab, and another of theirs may have taken over what it held. */
  async #seen() {
    await this.beat({ alsoFront: true });
    this.fill();
  }

  get current() {
    return this.items[0] ?? null;
  }

  get tokens() {
    return this.items.map((item) => item.lease);
  }

  take() {
    const item = this.items.shift();
    const now = performance.now();
    this.pace = now - this.#taken;
    this.#taken = now;
    this.#keep();
    this.#decode();
    this.fill();
    return item;
  }

  putBack(item) {
    this.items.unshift(item);
    this.nothing = "";
    this.#keep();
    this.#decode();
  }

  #decode() {
    for (const { node } of this.items.slice(0, DECODED)) {
      for (const image of node.querySelectorAll("img")) image.decode().catch(() => {});
    }
  }

  remove(lease) {
    this.items = this.items.filter((item) => item.lease !== lease);
    this.#keep();
    this.fill();
  }

  #keep() {
    this.store.write(this.held, this.tokens);
  }

  /* A full buffer is filled up when it is half empty: one call for many items. Where many people share what waits, it
     is small: a quick person's is filled up after every answer, a slow one's in threes, so that fewer calls keep the
     same readiness. */
  get #low() {
    if (this.#most >= this.config.buffer) return Math.floor(this.config.buffer / 2);
    return Math.max(2, this.#most - (this.pace < FAST_MS ? 1 : 3));
  }

  fill() {
    if (this.#asking || this.#closed || this.items.length > this.#low) return;
    clearTimeout(this.#timer);
    this.#asking = this.#ask();
  }

  #askAgain() {
    if (!this.#closed && this.items.length < this.config.buffer) this.#asking = this.#ask();
  }

  async #ask() {
    const ask = { queue: this.config.queue, have: this.items.length };
    ask.count = Math.max(1, this.config.buffer - this.items.length);
    if (this.#first) {
      ask.resume = this.store.read(this.held, []).filter((token) => !this.outbox.has(token));
      ask.count = Math.max(FIRST, ask.resume.length);
    }
    const { ok, body } = await this.post(this.config.calls.leases, ask);
    this.#asking = null;
    if (ok) this.#came(body, ask.count);
    else this.#again(PAUSES[Math.min(this.#tries++, PAUSES.length - 1)]);
    this.away = !ok;
    this.dispatchEvent(new Event("change"));
  }

  #came(body, asked) {
    const isFirst = this.#first;
    this.#tries = 0;
    this.at = body.at;
    this.progress = { today: body.today, waiting: body.waiting };
    this.#first = false;
    const known = new Set(this.tokens);
    this.items.push(...body.leases.filter(({ lease }) => !known.has(lease)).map(drawn));
    this.#renew(body.guideline);
    this.nothing = this.items.length ? "" : (body.nothing ?? "");
    this.#most = !isFirst && body.leases.length === asked ? this.config.buffer : this.items.length;
    this.#keep();
    this.#decode();
    if (body.leases.length === 0) this.#again(LOOK_AGAIN);
    else if (isFirst) this.#askAgain();
    else this.fill();
  }

  /* A newer guideline is in force: what nobody has looked at yet is leased again, to be held to it. */
  #renew(guideline) {
    const old = this.items.filter((item, place) => place > 0 && item.guideline < guideline);
    if (!old.length) return;
    this.items = this.items.filter((item) => !old.includes(item));
    this.post(this.config.calls.back, { tokens: old.map(({ lease }) => lease) }).then(() => this.fill());
  }

  #again(seconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (document.hidden ? this.#again(seconds) : this.fill()), seconds * 1000);
  }

  /* Asks for no more, and resolves when what was asked for is here: what comes after a give-back would stay leased. */
  async close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#asking;
  }

  /* What others took meanwhile is left out. The item in front stays while somebody looks at it, for a late answer is
     kept too. */
  async beat({ alsoFront = false } = {}) {
    if (!this.items.length || this.#closed) return;
    const { ok, body } = await this.post(this.config.calls.beat, { tokens: this.tokens });
    if (!ok) return;
    const held = new Set(body.held);
    this.items = this.items.filter((item, place) => held.has(item.lease) || (place === 0 && !alsoFront));
    this.#keep();
    this.fill();
    if (alsoFront) this.dispatchEvent(new Event("change"));
  }
}

/* The item's nodes. In the document's own tree, unlike in a template's, its images are loaded at once; `decoding` makes
   them part of the frame in which the item is painted. */
export function drawn(lease) {
  const template = document.createElement("template");
  template.innerHTML = lease.html;
  for (const image of template.content.querySelectorAll("img")) image.decoding = "sync";
  const node = document.importNode(template.content.firstElementChild, true);
  return { lease: lease.lease, node, about: lease.about, guideline: lease.guideline, thumb: lease.thumb, words: spoken(node) };
}

/* An image that did not come is asked for again. */
export function reload(node) {
  for (const image of node.querySelectorAll("img")) {
    if (image.complete && !image.naturalWidth) image.src = image.getAttribute("src");
  }
}

const SPOKEN = 300; // characters of an item that are read out when it comes; the stage holds the rest

/* What a screen reader says of the item: its texts, its images' names, its table row by row. */
function spoken(node) {
  const parts = [...node.querySelectorAll(".text, img, tbody tr")].map((part) =>
    part.matches("img") ? part.alt : part.textContent.replace(/\s+/g, " ").trim(),
  );
  const words = parts.filter(Boolean).join(". ");
  return words.length > SPOKEN ? `${words.slice(0, SPOKEN).trimEnd()}…` : words;
}
