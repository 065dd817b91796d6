/* A polled fragment is brought up to date in place (hx-swap="morph"): nodes that stay keep focus, selection, scroll and
   what a person opened; only what changed is touched. Rows are matched by their ids. */

const refreshed = new WeakSet();

/* Whether an element was last changed by polling: the person did nothing, so nothing may follow from it. */
export function isRefreshed(element) {
  return refreshed.has(element);
}

export function morph(from, to) {
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !isPersons(from, name)) from.removeAttribute(name);
  }
  morphChildren(from, to);
}

/* What a person opened stays open; where the focus is set by script, its tabindex stays. */
function isPersons(element, name) {
  return (name === "open" && element.matches("details, dialog")) || (name === "tabindex" && element === document.activeElement);
}

function morphChildren(from, to) {
  const wanted = new Set([...to.children].map((child) => child.id).filter(Boolean));
  let place = from.firstChild;
  for (const node of [...to.childNodes]) {
    place = withoutGone(place, wanted);
    const same = counterpart(place, node);
    if (!same) {
      from.insertBefore(node, place);
      continue;
    }
    while (place !== same) place = removed(place);
    place = same.nextSibling;
    if (same instanceof Element) morph(same, node);
    else if (same.data !== node.data) same.data = node.data;
  }
  while (place) place = removed(place);
}

/* Step over rows that are no longer there. */
function withoutGone(place, wanted) {
  let next = place;
  while (next?.id && !wanted.has(next.id)) next = removed(next);
  return next;
}

/* The node from `place` on that `node` continues: the one with its id, else a neighbour of its kind without an id. */
function counterpart(place, node) {
  if (node.id) {
    for (let next = place; next; next = next.nextSibling) if (next.id === node.id) return isAlike(next, node) ? next : null;
    return null;
  }
  return place && !place.id && isAlike(place, node) ? place : null;
}

function isAlike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName;
}

function removed(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

/* What nobody sees is not refreshed: a request that no event began is a page's own polling. */
function waitUntilSeen(event) {
  if (document.hidden && !event.detail.requestConfig.triggeringEvent) event.preventDefault();
}

export function install(htmx) {
  document.addEventListener("htmx:beforeRequest", waitUntilSeen);
  htmx.defineExtension("refresh", {
    isInlineSwap: (style) => style === "morph",
    handleSwap(style, target, fragment) {
      if (style !== "morph") return false;
      const fresh = fragment.getElementById?.(target.id) ?? fragment.firstElementChild;
      if (!fresh) return false;
      refreshed.add(target);
      morph(target, fresh);
      return [target];
    },
  });
}
