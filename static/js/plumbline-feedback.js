/* Plumbline feedback 1.0.0: <plumbline-feedback key prediction>, an <option> in it for each label. */
const sheet = new CSSStyleSheet();
sheet.replaceSync(`:host{display:block}
:host([hidden]),[hidden]{display:none!important}
div,form{display:flex;flex-wrap:wrap;align-items:center;gap:8px}
label{display:grid;flex:1 12em}
p{margin:4px 0;min-height:1.5em}
button,select,textarea{font:inherit;color:inherit;padding:6px 12px;
background:none;border:1px solid var(--plumbline-edge,#767676);
border-radius:var(--plumbline-radius,4px)}
option{color:#000;background:#fff}
[aria-pressed=true]{background:var(--plumbline-accent,#86256f);color:var(--plumbline-on-accent,#fff)}`);

const make = (name, has, ...inside) => {
  const made = document.createElement(name);
  for (const key in has) made.setAttribute(key, has[key]);
  made.append(...inside);
  return made;
};

class Feedback extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    const question = this.text("question", "Was this right?");
    this.thumbs = [this.thumb("up", "Yes"), this.thumb("down", "No")];
    this.form = make("form", { part: "form", hidden: "" });
    this.form.onsubmit = (event) => this.explain(event);
    this.status = make("p", { part: "status", role: "status" });
    const group = make("div", { part: "thumbs", role: "group", "aria-label": question }, question, ...this.thumbs);
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(group, this.form, this.status);
  }

  text(name, usual) {
    return this.getAttribute("text-" + name) || usual;
  }

  thumb(name, usual) {
    const button = make("button", { part: "button " + name, "aria-pressed": false }, this.text(name, usual));
    button.onclick = async () => {
      if (button.ariaPressed === "true" || !(await this.send({ kind: "thumbs_" + name }))) return;
      for (const each of this.thumbs) each.ariaPressed = each === button;
      this.form.hidden = name === "up" || !this.ask();
    };
    return button;
  }

  ask() {
    const field = (name, usual, input) => make("label", {}, this.text(name, usual), input);
    const options = [...this.querySelectorAll("option")].map((each) => each.cloneNode(true));
    this.right = make("select", { part: "correction" }, make("option"), ...options);
    this.why = make("textarea", { part: "reason", rows: 2, maxlength: 1900 });
    const fields = options.length ? [field("correction", "What is right?", this.right)] : [];
    if (!this.hasAttribute("no-reason")) fields.push(field("reason", "Why?", this.why));
    this.form.replaceChildren(...fields, make("button", { part: "button send" }, this.text("send", "Send")));
    return fields.length;
  }

  async explain(event) {
    event.preventDefault();
    const all = { correction: this.right.value, comment: this.why.value.trim() };
    const said = Object.entries(all).filter(([, value]) => value);
    if (said.length && (await this.send(...said.map(([kind, value]) => ({ kind, value }))))) this.form.hidden = true;
  }

  async send(...signals) {
    if (this.busy) return false;
    this.busy = true;
    let sent = true;
    for (const each of signals) sent &&= await this.post(each);
    this.status.textContent = sent ? this.text("thanks", "Thank you.") : this.text("failed", "Not sent. Try again.");
    this.busy = false;
    return sent;
  }

  async post(signal) {
    const id = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const address = new URL(`../${this.getAttribute("key")}/signals`, import.meta.url);
    const body = JSON.stringify({ id, key: this.getAttribute("prediction"), ...signal });
    for (let pause = 1; ; pause *= 2) {
      const answer = await fetch(address, { method: "POST", body, keepalive: true }).catch(() => {});
      if (answer?.ok) return true;
      if ((answer?.status < 500 && answer.status !== 429) || pause > 8) return false;
      await new Promise((done) => setTimeout(done, pause * 1000));
    }
  }
}

customElements.get("plumbline-feedback") ?? customElements.define("plumbline-feedback", Feedback);
