/* Side questions: once the decision is made, those that it opens are asked one after the other, each with the answer
   controls of its own kind in the place of the decision's. Then the answer is sent with all of them. The decision's
   controls leave the page meanwhile, so that no id stands there twice. See labels.js for what controls do. */

const isEmpty = (value) => value === null || value === "" || value?.length === 0;

/* The controls of each question, as far as they are loaded; null where the project asks none. */
export async function load(desk) {
  const { also } = desk.config;
  const modules = await Promise.all(also.map(({ module }) => import(module)));
  return new SideQuestions(desk, also.map((question, place) => ({ ...question, Control: modules[place].Control })));
}

class SideQuestions {
  #asked = null;

  constructor(desk, questions) {
    Object.assign(this, { desk, questions });
    this.home = desk.querySelector(".answers > .control");
  }

  get isOpen() {
    return Boolean(this.#asked);
  }

  /* The questions that a decision opens. */
  #opened({ value, skip }) {
    if (skip) return [];
    const parts = Array.isArray(value) ? value.map((part) => part?.label ?? part) : [value];
    return this.questions.filter(({ when }) => !when.length || when.some((one) => parts.includes(one)));
  }

  /* Ask what this decision opens; false where it opens nothing. `before` is what was said beside it earlier. */
  begin(answer, item, before) {
    const questions = this.#opened(answer);
    if (!questions.length) return false;
    this.#asked = { answer, item, questions, place: 0, said: {}, before: before ?? {} };
    this.#show();
    return true;
  }

  #show() {
    const { item, questions, place, said, before } = this.#asked;
    const question = questions[place];
    this.#clear();
    const { box, control } = this.#controls(question);
    box.querySelector(".decided b").textContent = this.#asked.answer.words;
    box.querySelector(".place").textContent = questions.length > 1 ? `${place + 1} of ${questions.length}` : "";
    (this.box ?? this.home).replaceWith(box);
    this.box = box;
    this.control = control;
    const given = said[question.name] ?? before[question.name] ?? null;
    this.partial = given;
    this.desk.labels = this.control;
    this.desk.stage.since = performance.now(); // the second click of a double click is no answer to this
    this.control.show?.({ ...item, about: item.beside?.[question.name] ?? null });
    this.control.mark(given);
    this.control.allow(true);
    this.desk.focus();
    this.desk.say(`${this.#asked.answer.words}. ${question.words}`);
  }

  /* The box of a question with its controls, made once: controls listen to the item as well. */
  #controls(question) {
    if (question.made) return question.made;
    const template = this.desk.querySelector(`template[data-also="${question.name}"]`);
    const box = template.content.firstElementChild.cloneNode(true);
    for (const [id, act] of [["also-back", () => this.back()], ["also-open", () => this.#next()]]) {
      box.querySelector(`#${id}`)?.addEventListener("click", (event) => this.desk.stage.isTooSoon(event) || act());
    }
    question.made = { box, control: new question.Control({ ...this.#given(), scope: scope(box, this.desk) }) };
    return question.made;
  }

  #given() {
    return {
      choose: ({ value }) => this.#next(value),
      say: (words) => this.desk.say(words),
      isTooSoon: (event) => this.desk.stage.isTooSoon(event),
      keep: (value) => {
        this.partial = value;
      },
    };
  }

  /* Enter goes on where a question may stay open and nothing is begun. */
  keyed(event) {
    const question = this.#asked?.questions[this.#asked.place];
    if (!question || question.required || event.key !== "Enter" || event.shiftKey || !isEmpty(this.partial)) return null;
    if (event.target.closest?.("button, a, summary, select") || event.target === this.control.search) return null;
    return () => this.#next();
  }

  #next(value = null) {
    const { answer, questions, place, said } = this.#asked;
    const { name } = questions[place];
    delete said[name];
    if (!isEmpty(value) || Array.isArray(value)) said[name] = value;
    this.#asked.place += 1;
    if (this.#asked.place < questions.length) return this.#show();
    this.close();
    return this.desk.finish({ ...answer, also: said });
  }

  /* To the question before, or from the first one to the decision. */
  back() {
    const { answer, item, place } = this.#asked;
    if (place > 0) {
      this.#asked.place -= 1;
      return this.#show();
    }
    this.close();
    const { labels } = this.desk;
    labels.show?.(item);
    labels.mark(answer.value);
    labels.allow(true);
    this.desk.focus();
    return this.desk.say("Back at the decision.");
  }

  /* What a control drew on the item goes with it. */
  #clear() {
    const control = this.control ?? this.desk.decision;
    if (control.show) control.mark(null);
    control.clear();
    control.allow(false);
    this.control = null;
  }

  close() {
    if (!this.#asked) return;
    if (this.control) this.#clear();
    this.box.replaceWith(this.home);
    this.box = this.#asked = null;
    this.desk.labels = this.desk.decision;
  }
}

/* Where a control looks for its elements: its own box first, then the rest of the desk, such as the stage. */
function scope(box, desk) {
  return {
    querySelector: (selector) => box.querySelector(selector) ?? (selector.startsWith("#") ? null : desk.querySelector(selector)),
    querySelectorAll: (selector) => box.querySelectorAll(selector),
  };
}
