/* What differs between two texts, word by word: parts {kind: "same" | "out" | "in", text} whose "same" and "out" make the
   one text and whose "same" and "in" make the other. By the longest common subsequence of their words. */

const MOST = 1500; // words of the part that differs; where there are more, it is one change

export function changes(before, after) {
  const [one, other] = [words(before), words(after)];
  let start = 0;
  while (start < one.length && start < other.length && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < one.length - start && end < other.length - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  const middle = differing(one.slice(start, one.length - end), other.slice(start, other.length - end));
  return joined([...same(one.slice(0, start)), ...middle, ...same(one.slice(one.length - end))]);
}

/* Words, the space between them, and signs, so that a comma put in is one change. */
function words(text) {
  return text.match(/[\p{L}\p{N}_]+|\s+|./gsu) ?? [];
}

function same(parts) {
  return parts.map((text) => ({ kind: "same", text }));
}

function differing(one, other) {
  if (one.length + other.length > MOST) return [{ kind: "out", text: one.join("") }, { kind: "in", text: other.join("") }];
  const length = table(one, other);
  const parts = [];
  let [i, j] = [0, 0];
  while (i < one.length || j < other.length) {
    if (i < one.length && j < other.length && one[i] === other[j]) {
      parts.push({ kind: "same", text: one[i] });
      [i, j] = [i + 1, j + 1];
    } else if (j >= other.length || (i < one.length && length[i + 1][j] >= length[i][j + 1])) {
      parts.push({ kind: "out", text: one[i] });
      i += 1;
    } else {
      parts.push({ kind: "in", text: other[j] });
      j += 1;
    }
  }
  return parts;
}

/* table[i][j]: the longest common subsequence of what follows place i and place j. */
function table(one, other) {
  const rows = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      rows[i][j] = one[i] === other[j] ? rows[i + 1][j + 1] + 1 : Math.max(rows[i + 1][j], rows[i][j + 1]);
    }
  }
  return rows;
}

function joined(parts) {
  const found = [];
  for (const part of parts) {
    if (found.at(-1)?.kind === part.kind) found.at(-1).text += part.text;
    else found.push({ ...part });
  }
  return found;
}
