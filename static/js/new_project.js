/* New project: a file that is dropped or chosen is sent at once; a form that is sent once is sent once. */

const token = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

class Drop extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.input = this.querySelector("input[type=file]");
    this.button = this.querySelector("button");
    this.input.addEventListener("change", () => this.send(this.input.files[0]));
    this.form.addEventListener("submit", (event) => {
      if (!this.input.files[0]) return;
      event.preventDefault();
      this.send(this.input.files[0]);
    });
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) this.addEventListener(type, (event) => this.drag(event));
  }

  drag(event) {
    event.preventDefault();
    this.form.classList.toggle("over", event.type === "dragenter" || event.type === "dragover");
    if (event.type === "drop") this.send(event.dataTransfer.files[0]);
  }

  async send(file) {
    if (!file || this.sending) return;
    this.sending = true;
    this.button.setAttribute("aria-busy", "true");
    this.button.textContent = "Sending…";
    const address = `${this.form.action}?name=${encodeURIComponent(file.name)}`;
    const headers = { "X-CSRFToken": token(), "Content-Type": "application/octet-stream" };
    try {
      const answer = await fetch(address, { method: "POST", body: file, headers });
      if (answer.ok && answer.redirected) return location.assign(answer.url);
      this.refuse(await this.sentence(answer));
    } catch {
      this.refuse("The file did not arrive. Look at the connection, then choose it again.");
    }
  }

  async sentence(answer) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const words = page.getElementById("problem-file")?.textContent.trim();
    return words || `The file was refused (${answer.status}).`;
  }

  refuse(words) {
    this.sending = false;
    this.button.removeAttribute("aria-busy");
    this.button.textContent = "Look at it";
    this.input.value = "";
    const note = this.querySelector("#problem-file");
    note.hidden = false;
    note.textContent = words;
  }
}

class NewProject extends HTMLElement {
  connectedCallback() {
    this.addEventListener("change", (event) => this.note(event.target), { capture: true });
    this.addEventListener("submit", (event) => this.once(event));
    this.addEventListener("htmx:afterSettle", () => this.follow());
  }

  /* Which column was changed last: a use that one column can have moves to it. */
  note(element) {
    const place = /^role-(\d+)$/.exec(element.name ?? "")?.[1];
    this.querySelector("[data-changed]").value = place ?? "";
  }

  once(event) {
    if (this.sent) return event.preventDefault();
    this.sent = true;
    const button = this.querySelector("[data-create]");
    button.setAttribute("aria-busy", "true");
    button.textContent = "Creating…";
  }

  /* A select that a person has touched keeps its value when its options change; it follows the page again. */
  follow() {
    for (const select of this.querySelectorAll("select")) {
      const chosen = select.querySelector("option[selected]");
      if (chosen && select !== document.activeElement && select.value !== chosen.value) select.value = chosen.value;
    }
  }
}

customElements.define("pl-drop", Drop);
customElements.define("pl-new-project", NewProject);
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
