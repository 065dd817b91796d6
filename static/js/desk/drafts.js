/* Drafts: a flag, a comment and what there is of an answer that takes more than one press, kept through a reload. */

export class Drafts {
  constructor({ store, current, onFlag }) {
    Object.assign(this, { store, current, onFlag });
    this.all = store.read("drafts", {});
    this.box = document.querySelector(".drafts");
    this.comment = document.getElementById("comment");
    this.dialog = document.getElementById("flagging");
    this.comment.addEventListener("input", () => this.#set({ comment: this.comment.value }));
    this.dialog.addEventListener("close", () => this.#flagged());
    document.getElementById("unflag").addEventListener("click", () => {
      this.#set({ flagged: "" });
      this.show();
    });
  }

  #set(change) {
    const lease = this.current()?.lease;
    if (!lease) return;
    this.all[lease] = { ...this.all[lease], ...change };
    this.store.write("drafts", this.all);
  }

  /* Part of an answer to the item in front, and what was kept of it. */
  keep(value) {
    this.#set({ value });
  }

  get kept() {
    return this.all[this.current()?.lease]?.value ?? null;
  }

  /* What goes with the answer; the draft is let go. */
  take(lease) {
    const { comment = "", flagged = "" } = this.all[lease] ?? {};
    if (this.all[lease]) {
      delete this.all[lease];
      this.store.write("drafts", this.all);
    }
    return { flagged: Boolean(flagged), comment: [flagged, comment.trim()].filter(Boolean).join(": ") };
  }

  show(isCorrecting = false) {
    const lease = this.current()?.lease;
    const { comment = "", flagged = "" } = (!isCorrecting && this.all[lease]) || {};
    const parts = { flagged, commenting: comment, correcting: isCorrecting };
    for (const [id, isShown] of Object.entries(parts)) document.getElementById(id).hidden = !isShown;
    this.box.hidden = !(comment || flagged || isCorrecting);
    if (flagged) this.box.querySelector("#flagged .words").textContent = flagged;
    if (this.comment.value !== comment) this.comment.value = comment;
  }

  write() {
    if (!this.current()) return;
    this.box.hidden = document.getElementById("commenting").hidden = false;
    this.comment.focus();
  }

  flag() {
    if (!this.current()) return;
    this.dialog.returnValue = "";
    this.dialog.showModal();
  }

  #flagged() {
    const form = this.dialog.querySelector("form");
    const given = new FormData(form);
    form.reset();
    if (!this.dialog.returnValue) return this.onFlag(null);
    const why = [given.get("why"), given.get("more").trim()].filter(Boolean).join(", ");
    this.#set({ flagged: why });
    this.show();
    return this.onFlag({ why, skip: this.dialog.returnValue === "skip" });
  }
}
