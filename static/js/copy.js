/* A button with data-copy="ID" copies the text of that element. */

import { toast } from "./shell.js";

async function copy(event) {
  const button = event.target.closest("[data-copy]");
  const source = button && document.getElementById(button.dataset.copy);
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    toast("Copied.");
  } catch {
    getSelection().selectAllChildren(source);
    toast("This browser lets no page copy here. The text is selected: copy it with the keyboard.");
  }
}

document.addEventListener("click", copy);
