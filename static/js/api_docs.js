/* <pl-call method path>: sends a call of the API with the key of this page, and shows what it answers. */

const MOST_SHOWN = 100_000;

class ApiCall extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.form.addEventListener("submit", (event) => this.send(event));
  }

  address() {
    let path = this.getAttribute("path").replace(/{(\w+:)?slug}/, encodeURIComponent(document.getElementById("try-slug").value));
    for (const input of this.form.querySelectorAll("[data-in=path]")) {
      path = path.replace(new RegExp(`{(\\w+:)?${input.name}}`), encodeURIComponent(input.value));
    }
    const given = [...this.form.querySelectorAll("[data-in=query]")].filter((input) => input.value);
    const query = new URLSearchParams(given.map((input) => [input.name, input.value]));
    return query.size ? `${path}?${query}` : path;
  }

  options() {
    const headers = { Authorization: `Bearer ${document.getElementById("try-key").value}` };
    const field = this.form.querySelector("[data-in=body]");
    if (!field) return { method: this.getAttribute("method"), headers };
    const body = field.files ? field.files[0] : field.value;
    headers["Content-Type"] = field.files ? body.type || "application/octet-stream" : "application/json";
    return { method: this.getAttribute("method"), headers, body };
  }

  async send(event) {
    event.preventDefault();
    const begun = performance.now();
    this.say("Sending…", "");
    try {
      const answer = await fetch(this.address(), { ...this.options(), credentials: "omit" });
      const text = await this.read(answer);
      this.say(`${answer.status} ${answer.statusText}, ${Math.round(performance.now() - begun)} ms`, text);
    } catch (problem) {
      this.say(`Not sent: ${problem.message}`, "");
    }
  }

  async read(answer) {
    const type = answer.headers.get("Content-Type") ?? "";
    if (!/json|text|csv|xml/.test(type)) return `${(await answer.blob()).size} bytes of ${type || "no type"}`;
    const text = await answer.text();
    try {
      return JSON.stringify(JSON.parse(text), null, 2).slice(0, MOST_SHOWN);
    } catch {
      return text.slice(0, MOST_SHOWN);
    }
  }

  say(status, text) {
    this.form.querySelector("[data-status]").textContent = status;
    const shown = this.form.querySelector("pre");
    shown.textContent = text;
    shown.hidden = !text;
  }
}

customElements.define("pl-call", ApiCall);
