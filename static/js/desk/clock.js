/* Active seconds: they stop while the tab is hidden, and 60 s after the last sign of a person. */

const IDLE_MS = 60_000;

export class Clock {
  constructor() {
    this.sum = 0;
    this.last = performance.now();
    this.seen = performance.now();
    for (const sign of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"]) {
      addEventListener(sign, () => this.#sign(), { capture: true, passive: true });
    }
    document.addEventListener("visibilitychange", () => this.#sign());
    this.hidden = document.hidden;
  }

  #sign() {
    this.#add();
    if (!document.hidden) this.seen = this.last;
    this.hidden = document.hidden;
  }

  #add() {
    const now = performance.now();
    if (!this.hidden) this.sum += Math.max(0, Math.min(now, this.seen + IDLE_MS) - Math.max(this.last, 0));
    this.last = now;
  }

  /* Seconds since the last call, to a tenth. */
  take() {
    this.#add();
    const seconds = Math.round(this.sum / 100) / 10;
    this.sum = 0;
    return seconds;
  }

  /* Milliseconds since a person was last seen here. */
  get idle() {
    return performance.now() - this.seen;
  }
}
