/* <pl-tabs label>: of its sections, each with a heading, one is shown; without a script all are. */

class Tabs extends HTMLElement {
  static chosen = {};

  connectedCallback() {
    if (this.list) return;
    this.sections = [...this.querySelectorAll(":scope > section")];
    this.list = document.createElement("div");
    this.list.className = "tabs";
    this.list.setAttribute("role", "tablist");
    this.list.setAttribute("aria-label", this.getAttribute("label"));
    this.list.append(...this.sections.map((section) => this.tab(section)));
    this.list.addEventListener("click", (event) => this.show([...this.list.children].indexOf(event.target.closest("button"))));
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.prepend(this.list);
    this.show(Tabs.chosen[this.getAttribute("label")] ?? 0);
  }

  tab(section) {
    const heading = section.querySelector("h3");
    const button = document.createElement("button");
    button.type = "button";
    button.id = `${section.id}-tab`;
    button.textContent = heading.textContent;
    button.setAttribute("role", "tab");
    button.setAttribute("aria-controls", section.id);
    heading.hidden = true;
    section.setAttribute("role", "tabpanel");
    section.setAttribute("aria-labelledby", button.id);
    return button;
  }

  show(index) {
    if (index < 0) return;
    Tabs.chosen[this.getAttribute("label")] = index;
    for (const [place, button] of [...this.list.children].entries()) {
      button.setAttribute("aria-selected", String(place === index));
      button.tabIndex = place === index ? 0 : -1;
      this.sections[place].hidden = place !== index;
    }
  }

  key(event) {
    const places = this.list.childElementCount;
    const here = [...this.list.children].indexOf(document.activeElement);
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: places - 1 }[event.key];
    if (to === undefined || here < 0) return;
    event.preventDefault();
    this.show((to + places) % places);
    this.list.children[(to + places) % places].focus();
  }
}

customElements.define("pl-tabs", Tabs);
