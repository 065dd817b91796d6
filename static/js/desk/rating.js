/* A point of a scale: its key or its button answers with the number. See labels.js for what the desk calls. */

import { Control as OneLabel } from "./labels.js";

export class Control extends OneLabel {
  constructor({ choose, ...given }) {
    super({ ...given, choose: (answer) => choose({ ...answer, value: Number(answer.value) }) });
  }

  words(value) {
    return super.words(String(value));
  }

  mark(value) {
    super.mark(value === null ? null : String(value));
  }
}
