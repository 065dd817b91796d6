/* The boxes as a table: a button for each, and the numbers of the chosen one as fields, in percent of the image. */

const SIDES = ["x", "y", "width", "height"];

export class BoxTable {
  constructor(root, acts) {
    this.acts = acts;
    this.table = root.querySelector("#box-table");
    this.body = this.table.querySelector("tbody");
    this.rows = new Map();
    this.isOpen = false;
  }

  allow(isOpen) {
    this.isOpen = isOpen;
    for (const node of this.body.querySelectorAll("button, input")) node.disabled = !isOpen;
  }

  drawAll(boxes, chosen, elsewhere) {
    const hadFocus = this.body.contains(document.activeElement);
    this.rows = new Map(boxes.map((box) => [box, this.#row(box, box === chosen)]));
    this.body.replaceChildren(...this.rows.values());
    this.table.hidden = !boxes.length;
    const row = this.rows.get(chosen);
    row?.scrollIntoView({ block: "nearest" });
    if (hadFocus) (row?.querySelector("button") ?? elsewhere).focus();
  }

  /* One box has other sides: its row and the focus in it stay. */
  update(box, changed) {
    const row = this.rows.get(box);
    if (!row) return;
    this.rows.delete(box);
    this.rows.set(changed, row);
    row.box = changed;
    for (const field of row.querySelectorAll("input")) field.value = percent(changed[field.dataset.side]);
  }

  #row(box, isChosen) {
    const row = document.createElement("tr");
    row.box = box;
    const choose = button(box.name, `mark-${box.colour}`, () => this.acts.choose(row.box === this.#chosen ? null : row.box));
    choose.setAttribute("aria-pressed", String(isChosen));
    if (isChosen) this.#chosen = box;
    const head = document.createElement("th");
    head.scope = "row";
    head.append(choose);
    row.append(head, ...SIDES.map((side) => (isChosen ? this.#field(row, side) : cell(percent(box[side])))));
    const drop = button("×", "drop", () => this.acts.remove(row.box));
    drop.ariaLabel = `Remove ${box.name}`;
    row.append(cell(drop));
    for (const node of row.querySelectorAll("button, input")) node.disabled = !this.isOpen;
    return row;
  }

  #chosen = null;

  #field(row, side) {
    const field = document.createElement("input");
    Object.assign(field, { type: "number", min: "0", max: "100", step: "0.1", inputMode: "decimal", value: percent(row.box[side]), ariaLabel: `${side} of ${row.box.name}, percent` });
    field.dataset.side = side;
    field.addEventListener("change", () => {
      const given = field.valueAsNumber;
      if (Number.isFinite(given)) this.acts.change(row.box, { [side]: given / 100 });
      field.value = percent(row.box[side]);
      this.#chosen = row.box;
    });
    return cell(field);
  }
}

function percent(fraction) {
  return String(Number((fraction * 100).toFixed(1)));
}

function cell(content) {
  const made = document.createElement("td");
  made.className = "num";
  made.append(content);
  return made;
}

function button(text, name, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: name, textContent: text });
  made.addEventListener("click", act);
  return made;
}
