/* A text with labelled stretches: places in it count Unicode code points, as the server's do; JavaScript counts UTF-16
   units, so they are turned into each other here and nowhere else. */

export class SpanText {
  /* `node` shows `text`; without a node nothing is drawn. */
  constructor(node, text) {
    this.node = node;
    this.points = [...text];
    this.words = wordsOf(text);
  }

  slice({ start, end }) {
    return this.points.slice(start, end).join("");
  }

  /* Draw each stretch between two ends once, inside a mark for each span that covers it; `range` is what is chosen. */
  draw(spans, range, chosen) {
    if (!this.node) return;
    const ends = [0, this.points.length, ...[...spans, ...(range ? [range] : [])].flatMap(({ start, end }) => [start, end])];
    const cuts = [...new Set(ends)].sort((one, other) => one - other);
    const pieces = cuts.slice(1).map((end, place) => this.#piece({ start: cuts[place], end }, spans, range, chosen));
    this.node.replaceChildren(...pieces);
    this.node.querySelector(".range")?.scrollIntoView({ block: "nearest" });
  }

  #piece(part, spans, range, chosen) {
    const covers = ({ start, end }) => start <= part.start && part.end <= end;
    let node = document.createTextNode(this.slice(part));
    for (const span of spans.filter(covers).reverse()) {
      const mark = document.createElement("mark");
      mark.className = `span mark-${span.colour}`;
      mark.classList.toggle("chosen", span === chosen);
      if (span.end === part.end) mark.dataset.name = span.name;
      mark.append(node);
      node = mark;
    }
    if (!range || !covers(range)) return node;
    const frame = document.createElement("span");
    frame.className = "range";
    frame.append(node);
    return frame;
  }

  /* What the browser's own selection covers of the text, without space at its ends; null where it covers nothing. */
  selected() {
    const selection = getSelection();
    if (!this.node || !selection.rangeCount || selection.isCollapsed) return null;
    const given = selection.getRangeAt(0);
    if (!this.node.contains(given.startContainer) || !this.node.contains(given.endContainer)) return null;
    let [start, end] = [this.#place(given.startContainer, given.startOffset), this.#place(given.endContainer, given.endOffset)];
    while (start < end && /\s/u.test(this.points[start])) start += 1;
    while (start < end && /\s/u.test(this.points[end - 1])) end -= 1;
    return start < end ? { start, end } : null;
  }

  /* The place of the character at this point of the page, or null. */
  placeAt(x, y) {
    const at = document.caretPositionFromPoint?.(x, y);
    const old = at ? null : document.caretRangeFromPoint?.(x, y);
    const [node, offset] = at ? [at.offsetNode, at.offset] : [old?.startContainer, old?.startOffset];
    return node && this.node?.contains(node) ? this.#place(node, offset) : null;
  }

  #place(node, offset) {
    const before = document.createRange();
    before.setStart(this.node, 0);
    before.setEnd(node, offset);
    return [...before.toString()].length;
  }

  /* The word at a place, or the next one. */
  wordAt(place) {
    return this.words.find(({ end }) => end > place) ?? this.words.at(-1) ?? null;
  }
}

/* Words as {start, end}: as the browser's own rules cut them, so that also texts without spaces have some. */
function wordsOf(text) {
  const points = pointsBefore(text);
  const parts = [...new Intl.Segmenter(undefined, { granularity: "word" }).segment(text)];
  const words = parts.filter(({ segment, isWordLike }) => isWordLike || /[^\s\p{P}]/u.test(segment));
  return words.map(({ index, segment }) => ({ start: points[index], end: points[index + segment.length] }));
}

/* At each UTF-16 unit the code points before it. */
function pointsBefore(text) {
  const found = new Uint32Array(text.length + 1);
  let count = 0;
  for (let at = 0; at < text.length; at += 1) {
    found[at] = count;
    const isPair = text.codePointAt(at) > 0xffff;
    if (isPair) found[(at += 1)] = count;
    count += 1;
  }
  found[text.length] = count;
  return found;
}
