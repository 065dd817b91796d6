/* Answers on their way: in order, one request at a time, tried again until the server has said what became of each. */

const PAUSES = [1, 2, 4, 8, 15]; // seconds between tries
const MOST_AT_ONCE = 20;

export class Outbox extends EventTarget {
  #flying = 0;
  #tries = 0;
  #timer = 0;
  #atOnce = MOST_AT_ONCE;

  constructor({ url, post, store }) {
    super();
    Object.assign(this, { url, post, store });
    this.acts = store.read("outbox", []);
    this.trouble = "";
    // The line is back, or the person is, perhaps from signing in again in another tab.
    for (const sign of ["online", "focus"]) addEventListener(sign, () => this.now());
  }

  get size() {
    return this.acts.length;
  }

  add(act) {
    this.acts.push(act);
    this.#changed();
    if (!this.#timer) this.#send();
  }

  /* Take back an answer that has not left yet; false where the server may have it. */
  drop(lease) {
    const at = this.#unsent(lease);
    if (at >= 0) this.acts.splice(at, 1);
    this.#changed();
    return at >= 0;
  }

  /* Change an answer that has not left yet; false where the server may have it. */
  amend(lease, change) {
    const at = this.#unsent(lease);
    if (at >= 0) Object.assign(this.acts[at], change);
    this.#changed();
    return at >= 0;
  }

  #unsent(lease) {
    const at = this.acts.findLastIndex((act) => act.lease === lease);
    return at >= this.#flying && this.acts[at].op === "submit" ? at : -1;
  }

  /* Whether this lease's last word is an answer that the server may not have yet. */
  has(lease) {
    return this.acts.findLast((act) => act.lease === lease)?.op === "submit";
  }

  now() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#send();
  }

  /* Resolves when everything is sent, or after a while. */
  async flush(ms) {
    const end = performance.now() + ms;
    this.now();
    while (this.size && performance.now() < end) await new Promise((done) => setTimeout(done, 50));
  }

  #changed() {
    this.store.write("outbox", this.acts);
    this.dispatchEvent(new Event("change"));
  }

  async #send() {
    if (this.#flying || !this.size) return;
    const sent = this.acts.slice(0, this.#atOnce);
    this.#flying = sent.length;
    const { ok, body, status } = await this.post(this.url, { answers: sent });
    this.#flying = 0;
    if (ok) this.#done(sent, body.results);
    else if ([400, 413, 422].includes(status)) this.#unreadable(sent, body?.detail);
    else this.#later(status);
  }

  #done(sent, results) {
    this.#tries = 0;
    this.#atOnce = MOST_AT_ONCE;
    this.trouble = "";
    this.acts.splice(0, sent.length);
    this.#changed();
    sent.forEach((act, place) => this.dispatchEvent(new CustomEvent("result", { detail: { act, ...results[place] } })));
    this.#send();
  }

  /* The server cannot read this batch and never will: find the answer that it is about, and let go of that one. */
  #unreadable(sent, detail) {
    if (sent.length > 1) {
      this.#atOnce = 1;
      return this.#send();
    }
    return this.#done(sent, [{ status: "refused", error: detail ?? "The server could not read this answer." }]);
  }

  #later(status) {
    this.trouble = status === 401 || status === 403 || status === 404 ? "signed-out" : "away";
    const pause = PAUSES[Math.min(this.#tries, PAUSES.length - 1)];
    this.#tries += 1;
    this.#timer = setTimeout(() => this.now(), pause * 1000);
    this.dispatchEvent(new Event("change"));
  }
}
