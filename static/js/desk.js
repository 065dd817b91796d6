/* The desk: one key answers and brings the next item in a frame; what needs the server happens behind it. */

import { Buffer, drawn } from "./desk/buffer.js";
import { Clock } from "./desk/clock.js";
import { Drafts } from "./desk/drafts.js";
import { isPressing, isTyping, meaning } from "./desk/keys.js";
import { Outbox } from "./desk/outbox.js";
import { Side } from "./desk/side.js";
import { Stage } from "./desk/stage.js";
import { Store } from "./desk/store.js";
import { Strip } from "./desk/strip.js";
import { Connection, beacon, get, poster } from "./desk/wire.js";
import { toast } from "./shell.js";

const SKIP = { value: null, skip: true, words: "skipped" };
const FLUSH_MS = 2000;
const MAY_REPEAT = /^Arrow/; // keys of an answer control that move, and decide nothing

/* Whether two values of any kind of task are the same. */
const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/* Answers to side questions as they are sent, left out where there are none. */
const beside = (also) => (Object.keys(also).length ? { also } : {});

class Desk extends HTMLElement {
  async connectedCallback() {
    this.config = JSON.parse(this.dataset.config);
    const { Control } = await import(this.config.module); // the kind of task brings its answer controls
    const { calls, store, history, guideline } = this.config;
    const say = (words) => this.say(words);
    this.post = poster(this.dataset.csrf);
    this.store = new Store(store);
    this.clock = new Clock();
    this.outbox = new Outbox({ url: calls.answers, post: this.post, store: this.store });
    this.buffer = new Buffer({ config: this.config, post: this.post, store: this.store, outbox: this.outbox });
    this.connection = new Connection({ outbox: this.outbox, say });
    this.decision = this.labels = new Control({
      scope: this,
      choose: (answer) => this.answer(answer),
      say,
      isTooSoon: (event) => this.stage.isTooSoon(event),
      keep: (value) => this.drafts.keep(value),
    });
    this.stage = new Stage(this);
    this.also = this.config.also.length ? await (await import("./desk/also.js")).load(this) : null;
    this.side = new Side({ url: calls.guideline, version: guideline, back: () => this.stage.focus() });
    this.drafts = new Drafts({
      store: this.store,
      current: () => (this.viewing ? null : this.buffer.current),
      onFlag: (flag) => this.flagged(flag),
    });
    this.strip = new Strip(this.querySelector(".history ol"), (entry) => this.open(entry));
    this.progress = this.config.progress;
    this.history = this.recall(history);
    this.viewing = null;
    this.strip.draw(this.history);
    this.listen();
    this.begin();
  }

  listen() {
    const acts = { undo: "undo", skip: "skip", flag: "flag", note: "comment", guide: "guideline", leave: "leave" };
    for (const [id, act] of Object.entries(acts)) {
      const repeats = act === "undo" || act === "skip";
      document.getElementById(id).addEventListener("click", (event) => {
        if (!repeats || !this.stage.isTooSoon(event)) this.acts[act]();
      });
    }
    for (const link of document.querySelectorAll("[data-break]")) link.addEventListener("click", (event) => this.rest(event));
    document.addEventListener("keydown", (event) => this.onKey(event), { capture: true });
    this.outbox.addEventListener("change", () => this.allow());
    this.outbox.addEventListener("result", ({ detail }) => this.result(detail));
    this.buffer.addEventListener("change", () => this.came());
    addEventListener("beforeunload", (event) => this.outbox.size && event.preventDefault());
    addEventListener("pagehide", () => beacon(this.config.calls.back, this.dataset.csrf, this.buffer));
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // back: what it held is gone
    setInterval(() => this.beat(), this.config.beatSeconds * 1000);
  }

  /* The server's history, and what was answered before a reload but has not reached it. */
  recall(history) {
    const unsent = this.outbox.acts.filter(({ op, lease }) => op === "submit" && this.outbox.has(lease));
    for (const act of unsent) this.count(act, 1);
    return [
      ...history.filter(({ lease }) => !this.outbox.acts.some((act) => act.lease === lease)),
      ...unsent.map((act) => ({ ...act, words: act.skip ? SKIP.words : this.labels.words(act.value), edited: false })),
    ];
  }

  /* What was not sent before a reload goes first: an undo among it brings its lease back. */
  async begin() {
    this.allow();
    await this.outbox.flush(FLUSH_MS);
    this.buffer.fill();
  }

  /* Keys */

  acts = {
    undo: () => this.undo(),
    skip: () => this.answer(SKIP),
    flag: () => this.drafts.flag(),
    comment: () => this.drafts.write(),
    guideline: () => this.side.toggle(),
    previous: () => this.look(-1),
    next: () => this.look(1),
    leave: () => this.leave(),
    search: () => this.labels.search?.focus(),
    escape: () => this.side.close() || (this.isAside ? this.also.back() : this.viewing ? this.leave() : this.stage.focus()),
  };

  onKey(event) {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const isComposing = event.isComposing || event.keyCode === 229;
    const own = isComposing ? null : ((this.isAside ? this.also.keyed(event) : null) ?? this.labels.keyed?.(event));
    if (own) {
      event.preventDefault();
      if (!event.repeat || MAY_REPEAT.test(event.key)) own();
      return;
    }
    const meant = meaning(event);
    if (!meant) return;
    if (isTyping(event)) return this.whileTyping(event, meant);
    const button = this.labels.find(meant.labels);
    const act = button ? () => this.labels.press(button) : this.acts[meant.act];
    if (!act || (!button && isPressing(event))) return;
    event.preventDefault();
    if (!event.repeat) act(); // a key held down is not a decision
  }

  whileTyping(event, meant) {
    const isSearch = event.target === this.labels.search;
    if (meant.act === "escape") {
      if (isSearch) this.labels.clear();
      this.stage.focus();
    } else if (isSearch && meant.act === "enter") {
      this.labels.pressFirst();
    } else return;
    event.preventDefault();
  }

  /* Answers */

  /* Whether side questions are in front in place of the decision. */
  get isAside() {
    return Boolean(this.also?.isOpen);
  }

  /* A decision is sent at once unless it opens side questions, which finish it. */
  answer(given) {
    const item = this.viewing?.item ?? this.buffer.current;
    if (!item || (!this.viewing && this.connection.isFull)) return;
    const before = this.viewing ?? item.before;
    if (this.also?.begin(given, item, before?.also)) this.drafts.keep(given.value);
    else this.finish(given);
  }

  finish({ value, skip, words, also = {} }) {
    if (this.viewing) return this.correct({ value, skip, words, also });
    const item = this.buffer.current;
    const extras = this.drafts.take(item.lease);
    this.buffer.take();
    this.history.push({ lease: item.lease, value, also, skip, words, edited: false, thumb: item.thumb, item });
    if (this.history.length > this.config.undo) this.history.shift();
    this.strip.add(this.history.at(-1));
    this.count({ skip }, 1);
    this.paint();
    this.say([`${skip ? "Skipped" : `Labelled ${words}`}.`, this.upNext()].join(" "));
    this.outbox.add({ op: "submit", lease: item.lease, value, ...beside(also), skip, ...extras, seconds: this.clock.take() });
  }

  /* Change an answer given before, from the strip; the item in front waits. */
  correct({ value, skip, words, also }) {
    const entry = this.viewing;
    if (skip === entry.skip && isSame(value, entry.value) && isSame(also, entry.also ?? {})) return this.leave();
    if (!this.outbox.amend(entry.lease, { value, also, skip })) {
      const { lease } = entry;
      const said = { lease, value, ...beside(also) };
      if (!skip && !entry.skip) this.outbox.add({ op: "revise", ...said });
      else for (const op of ["undo", "submit"]) this.outbox.add(op === "undo" ? { op, lease } : { op, ...said, skip });
    }
    this.count(entry, -1);
    this.count({ skip }, 1);
    const was = { value: entry.value, also: entry.also, skip: entry.skip, words: entry.words };
    Object.assign(entry, { value, also, skip, words, edited: true, was });
    this.leave();
    this.say(`Corrected to ${words}.`);
  }

  async undo() {
    if (this.isAside) return this.also.back();
    if (this.viewing) return this.leave();
    const entry = this.history.pop();
    if (!entry) return this.say("There is nothing to undo.");
    this.strip.draw(this.history);
    const item = await this.itemOf(entry);
    if (!item) {
      this.history.push(entry);
      this.strip.draw(this.history);
      return toast("This item cannot be brought back without a connection. Nothing was changed.");
    }
    if (!this.outbox.drop(entry.lease)) this.outbox.add({ op: "undo", lease: entry.lease });
    this.buffer.putBack({ ...item, before: entry });
    this.count(entry, -1);
    this.paint();
    this.say("Undone. The item is back in front of you.");
  }

  /* The item of an earlier answer: at hand in this sitting, fetched after a reload. */
  async itemOf(entry) {
    if (entry.item) return entry.item;
    const lease = await get(`${this.config.calls.leases}/${encodeURIComponent(entry.lease)}`);
    entry.item = lease && drawn(lease);
    return entry.item;
  }

  /* What the server said of one answer; a refusal is shown and taken back here too. */
  result({ act, status, error }) {
    if (status !== "refused") return;
    const entry = this.history.find(({ lease }) => lease === act.lease);
    if (act.op === "revise" && entry) Object.assign(entry, entry.was, { edited: false });
    else if (act.op === "submit" && entry) this.forget(entry);
    else if (act.op === "undo" && !entry) this.unreturn(act.lease);
    this.strip.draw(this.history, this.viewing);
    toast(error);
  }

  forget(entry) {
    this.history = this.history.filter((one) => one !== entry);
    this.count(entry, -1);
  }

  /* An undo was refused: the item leaves the front, and its answer stands as it was. */
  unreturn(lease) {
    const item = this.buffer.items.find((one) => one.lease === lease);
    if (item?.before) {
      this.history.push(item.before);
      this.count(item.before, 1);
    }
    this.buffer.remove(lease);
    this.paint();
  }

  flagged(flag) {
    this.stage.focus();
    if (flag?.skip) this.answer(SKIP);
    else if (flag) this.say(`Flagged: ${flag.why}. Now answer or skip.`);
  }

  /* History */

  look(step) {
    const at = this.viewing ? this.history.indexOf(this.viewing) : this.history.length;
    const entry = this.history[at + step];
    if (entry) this.open(entry);
    else if (step > 0) this.leave();
  }

  async open(entry) {
    if (!(await this.itemOf(entry))) return toast("This item cannot be shown without a connection.");
    this.viewing = entry;
    this.paint();
    this.strip.draw(this.history, entry);
    this.say(`You answered ${entry.words}. Answer anew to correct it.`);
  }

  leave() {
    if (!this.viewing) return;
    this.viewing = null;
    this.paint();
    this.strip.draw(this.history);
    this.say("Back at the item in front.");
  }

  /* Painting: on the path of every key, so it touches little. */

  paint({ focus = true } = {}) {
    this.also?.close();
    const item = this.viewing?.item ?? this.buffer.current;
    const before = this.viewing ?? item?.before;
    if (item) this.stage.show(item);
    else this.wait();
    if (item) this.labels.show?.(item);
    this.labels.mark((this.viewing ? null : this.drafts.kept) ?? (before && !before.skip ? before.value : null));
    this.drafts.show(Boolean(this.viewing));
    this.allow();
    if (item) this.side.keepUp(item.guideline);
    if (!focus) return;
    this.labels.clear();
    this.focus();
  }

  /* Where the next answer begins: at the item, or in a field of the answer controls. */
  focus() {
    if (this.viewing || !this.buffer.current || !this.labels.focus?.()) this.stage.focus();
  }

  wait() {
    const { away, nothing } = this.buffer;
    if (nothing && !away) this.stage.nothing(nothing);
    else if (away) this.stage.wait("The next items come when the connection is back. What you answered is safe.");
    else this.stage.wait("The next items are on their way.");
  }

  came() {
    if (this.buffer.progress && !this.outbox.size) {
      this.progress = this.buffer.progress;
      this.drawProgress();
    }
    this.buffer.progress = null;
    if (this.viewing || this.stage.shows(this.buffer.current)) return this.allow();
    this.paint({ focus: document.activeElement === document.body });
    if (!this.buffer.current) return;
    this.clock.take();
    this.say(this.upNext());
  }

  allow() {
    const isOpen = Boolean(this.viewing || (this.buffer.current && !this.connection.isFull));
    this.labels.allow(isOpen);
    document.getElementById("skip").disabled = !isOpen;
    this.connection.show({ canAnswer: isOpen });
  }

  /* Mine today and what waits for me: counted here with each answer, and by the server when nothing is on its way. */
  count({ skip }, by) {
    this.progress.today = Math.max(0, this.progress.today + (skip ? 0 : by));
    this.progress.waiting = Math.max(0, this.progress.waiting - by);
    this.drawProgress();
  }

  drawProgress() {
    const { today, waiting } = this.progress;
    document.getElementById("today").textContent = today.toLocaleString("en");
    document.getElementById("waiting").textContent = waiting.toLocaleString("en");
    const thread = document.getElementById("thread");
    thread.max = Math.max(1, today + waiting);
    thread.value = today;
  }

  upNext() {
    const { current } = this.buffer;
    return current ? `Next: ${current.words}` : "";
  }

  say(words) {
    document.getElementById("said").textContent = words;
  }

  /* A desk that nobody sits at lets its leases lapse. */
  beat() {
    const patience = Math.max((this.config.leaseSeconds * 1000) / 2, 60_000);
    if (!document.hidden && this.clock.idle < patience) this.buffer.beat();
  }

  async rest(event) {
    event.preventDefault();
    const { href } = event.currentTarget;
    const patience = new Promise((done) => setTimeout(done, FLUSH_MS));
    await Promise.all([this.outbox.flush(FLUSH_MS), Promise.race([this.buffer.close(), patience])]);
    await this.post(this.config.calls.back, { tokens: this.buffer.tokens });
    location.assign(href);
  }
}

customElements.define("pl-desk", Desk);
