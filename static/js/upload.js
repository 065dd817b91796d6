// A file is sent as the body of one request, so that it may be large and its progress is known. Without this the form
// sends it, up to the limit of any other request.
class Upload extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.form.addEventListener("submit", (event) => this.submit(event));
  }

  submit(event) {
    const file = this.form.elements.file.files[0];
    if (!file) return;
    event.preventDefault();
    if (this.request) return; // a second click while the first is on its way
    this.say("");
    this.send(file);
  }

  send(file) {
    const request = (this.request = new XMLHttpRequest());
    const query = new URLSearchParams({ name: file.name, ...this.others() });
    request.open("POST", `${this.form.getAttribute("action")}?${query}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-CSRFToken", this.form.elements.csrfmiddlewaretoken.value);
    request.upload.addEventListener("progress", (event) => this.progress(event.loaded / (event.total || 1)));
    request.addEventListener("load", () => this.end(request));
    request.addEventListener("error", () => this.fail("The file was not sent: the connection broke. Try again."));
    this.progress(0);
    request.send(file);
  }

  /* What else the form asks, which goes into the address: the body is the file. */
  others() {
    const given = [...new FormData(this.form)];
    return Object.fromEntries(given.filter(([name, value]) => typeof value === "string" && name !== "csrfmiddlewaretoken"));
  }

  end(request) {
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      answer = {};
    }
    if (request.status === 200 && answer.address) this.go(answer.address);
    else this.fail(answer.detail ?? `The file was not taken (${request.status}).`);
  }

  /* An address of this very page with a #part would not load it again. */
  go(address) {
    const there = new URL(address, location.href);
    const here = there.pathname === location.pathname && there.search === location.search;
    location.assign(address);
    if (here) location.reload();
  }

  fail(words) {
    this.request = null;
    this.querySelector(".progress").hidden = true;
    this.form.querySelector("button").removeAttribute("aria-busy");
    this.say(words);
  }

  say(words) {
    const note = this.querySelector('[role="alert"]');
    note.textContent = words;
    note.hidden = !words;
  }

  progress(share) {
    const shown = this.querySelector(".progress");
    shown.hidden = false;
    shown.querySelector("progress").value = share;
    shown.querySelector("span").textContent = `${Math.floor(share * 100)} %`;
    this.form.querySelector("button").setAttribute("aria-busy", "true");
  }
}

customElements.define("pl-upload", Upload);
