/* Leased items at hand: fetched ahead, drawn and decoded before they are needed, kept alive by heartbeats. */

const PAUSES = [1, 2, 4, 8, 15]; // seconds between tries
const LOOK_AGAIN = 30; // seconds, while nothing waits
const FAST_MS = 1500;

export class Buffer extends EventTarget {
  #asking = null;
  #closed = false;
  #tries = 0;
  #timer = 0;
  #first = true;
  #taken = 0;

  constructor({ config, post, store, outbox }) {
    super();
    Object.assign(this, { config, post, store, outbox });
    this.items = [];
    this.nothing = "";
    this.away = false;
    this.held = `held:${config.queue ?? ""}`;
    addEventListener("online", () => this.fill());
    document.addEventListener("visibilitychange", () => document.hidden || this.fill());
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
    this.fill();
    return item;
  }

  putBack(item) {
    this.items.unshift(item);
    this.nothing = "";
    this.#keep();
  }

  remove(lease) {
    this.items = this.items.filter((item) => item.lease !== lease);
    this.#keep();
    this.fill();
  }

  #keep() {
    this.store.write(this.held, this.tokens);
  }

  /* A quick person is asked for ahead of every answer, a slow one in threes: fewer calls for the same readiness. */
  get #low() {
    return this.pace < FAST_MS ? this.config.buffer - 1 : 2;
  }

  fill() {
    if (this.#asking || this.#closed || this.items.length > this.#low) return;
    clearTimeout(this.#timer);
    this.#asking = this.#ask();
  }

  async #ask() {
    const resume = this.#first ? this.store.read(this.held, []).filter((token) => !this.outbox.has(token)) : [];
    const count = Math.max(1, this.config.buffer - this.items.length);
    const { ok, body } = await this.post(this.config.calls.leases, { count, queue: this.config.queue, resume });
    this.#asking = null;
    if (ok) this.#came(body);
    else this.#again(PAUSES[Math.min(this.#tries++, PAUSES.length - 1)]);
    this.away = !ok;
    this.dispatchEvent(new Event("change"));
  }

  #came(body) {
    this.#tries = 0;
    this.#first = false;
    const known = new Set(this.tokens);
    this.items.push(...body.leases.filter(({ lease }) => !known.has(lease)).map(drawn));
    this.nothing = this.items.length ? "" : (body.nothing ?? "");
    this.#keep();
    if (body.leases.length === 0) this.#again(LOOK_AGAIN);
    else if (this.items.length <= this.#low) this.fill();
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

  /* What others took meanwhile is left out; the item in front stays, for a late answer is kept too. */
  async beat() {
    if (!this.items.length) return;
    const { ok, body } = await this.post(this.config.calls.beat, { tokens: this.tokens });
    if (!ok) return;
    const held = new Set(body.held);
    this.items = this.items.filter((item, place) => place === 0 || held.has(item.lease));
    this.#keep();
    this.fill();
  }
}

/* The item's nodes, with its images decoded, so that painting it costs one frame. */
export function drawn(lease) {
  const template = document.createElement("template");
  template.innerHTML = lease.html;
  const node = template.content.firstElementChild;
  for (const image of node.querySelectorAll("img")) {
    image.loading = "eager";
    image.decode?.().catch(() => {});
  }
  return { lease: lease.lease, node, guideline: lease.guideline, thumb: lease.thumb };
}
