/* What a tab keeps through a reload: ids and answers, never an item's text. A tab without storage keeps it in memory. */

const memory = new Map();

export class Store {
  constructor(prefix) {
    this.prefix = `plumbline:${prefix}:`;
  }

  read(name, otherwise) {
    const key = this.prefix + name;
    try {
      return JSON.parse(sessionStorage.getItem(key) ?? memory.get(key)) ?? otherwise;
    } catch {
      return otherwise;
    }
  }

  write(name, value) {
    const key = this.prefix + name;
    const text = JSON.stringify(value);
    memory.set(key, text);
    try {
      sessionStorage.setItem(key, text);
    } catch {
      /* A full or forbidden storage: memory holds it until the tab is closed. */
    }
  }
}
