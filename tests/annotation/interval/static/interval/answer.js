/* Two whole numbers, answered together: by two digits in a row, or in two fields. */

export class Control {
  constructor({ scope, choose, say, isTooSoon }) {
    Object.assign(this, { choose, say });
    this.form = scope.querySelector("#interval");
    this.first = null;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!isTooSoon(event)) this.answer(this.form.start.valueAsNumber, this.form.end.valueAsNumber);
    });
  }

  answer(start, end) {
    if (!(start < end)) return this.say("The end comes after the start.");
    const value = { start, end };
    this.choose({ value, skip: false, words: this.words(value) });
  }

  words(value) {
    return `${value.start} to ${value.end}`;
  }

  /* The digit that was pressed, as a text, for 0 is a digit too. */
  find(keys) {
    return keys?.find((key) => /^\d$/.test(key)) ?? null;
  }

  press(digit) {
    if (this.first === null) {
      this.first = Number(digit);
      this.mark({ start: this.first });
    } else this.answer(this.first, Number(digit));
  }

  mark(value) {
    this.form.start.value = value?.start ?? "";
    this.form.end.value = value?.end ?? "";
  }

  allow(isOpen) {
    for (const field of this.form.elements) field.disabled = !isOpen;
  }

  clear() {
    this.first = null;
  }
}
