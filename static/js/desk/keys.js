/* Which answer a key means. Acts (undo, skip, …) come from the person's own keymap, which the shell knows. */

import { actionOf, isTyping, namesOf } from "../shell.js";

export { isTyping };

const DIGIT = /^(Digit|Numpad)(\d)$/;

/* "act" with its name, "label" with the keys that it may carry, or null where the key is not the desk's. */
export function meaning(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.keyCode === 229) return null;
  if (event.key === "Escape" || event.key === "Enter") return { act: event.key.toLowerCase() };
  if (document.documentElement.dataset.keys === "off") return null;
  if (event.key === "Backspace") return { act: "undo" };
  const action = actionOf(event);
  const labels = labelKeys(event);
  return labels.length || action ? { labels, act: action } : null;
}

/* The place of a digit counts, not the sign that a layout puts there; with Shift it means 11 to 20 ("+1" to "+0"). */
function labelKeys(event) {
  const digit = DIGIT.exec(event.code);
  const place = digit ? [event.shiftKey ? `+${digit[2]}` : digit[2]] : [];
  return [...place, ...namesOf(event)];
}

/* Space and Enter press a focused control; the desk must not take them away. */
export function isPressing(event) {
  return (event.key === " " || event.key === "Enter") && event.target instanceof Element && event.target.closest("button, a, summary, input, select");
}
