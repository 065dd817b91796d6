/* The guideline: beside the stage where the page is wide enough, else a sheet from below. */

import { toast } from "../shell.js";
import { get } from "./wire.js";

export class Side {
  constructor({ url, version, back }) {
    Object.assign(this, { url, version, back });
    this.panel = document.getElementById("guideline");
    this.button = document.getElementById("guide");
    this.narrow = matchMedia("(max-width: 999.98px)");
    this.narrow.addEventListener("change", () => this.#lay());
    this.panel.addEventListener("toggle", ({ newState }) => this.#tell(newState === "open"));
    this.#lay();
  }

  #lay() {
    this.panel.toggleAttribute("popover", this.narrow.matches);
    this.#tell(!this.narrow.matches);
  }

  #tell(isOpen) {
    this.button.setAttribute("aria-expanded", String(isOpen));
  }

  toggle() {
    if (this.narrow.matches) this.panel.togglePopover();
    else if (this.panel.contains(document.activeElement)) this.back();
    else this.panel.focus();
  }

  /* True where a sheet was open and is closed now. */
  close() {
    if (!this.narrow.matches || !this.panel.matches(":popover-open")) return false;
    this.panel.hidePopover();
    return true;
  }

  /* An item came that was leased under a newer guideline: the panel must say what its label is held to. */
  async keepUp(version) {
    if (version <= this.version) return;
    const before = this.version;
    this.version = version;
    const html = await get(this.url);
    if (typeof html !== "string") {
      this.version = before;
      return;
    }
    this.panel.innerHTML = html;
    toast(`A new guideline is in force: version ${version}.`);
  }
}
