/* Two whole numbers, answered together. */

export class Control {
  constructor({ scope, choose, isTooSoon }) {
    this.form = scope.querySelector("#interval");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (isTooSoon(event)) return;
      const value = { start: this.form.start.valueAsNumber, end: this.form.end.valueAsNumber };
      choose({ value, skip: false, words: this.words(value) });
    });
  }

  words(value) {
    return `${value.start} to ${value.end}`;
  }

  find() {
    return null;
  }

  mark(value) {
    this.form.start.value = value?.start ?? "";
    this.form.end.value = value?.end ?? "";
  }

  allow(isOpen) {
    for (const field of this.form.elements) field.disabled = !isOpen;
  }

  clear() {}
}
