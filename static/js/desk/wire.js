/* The wire and the words about it: calls that never throw, and one line that says where the answers are. */

export const MOST_UNSENT = 50; // as many as the server takes at once
const PATIENCE_MS = 30000; // longer than the server waits for its database; what was sent may be sent again

/* The proof of origin: the page's own, until the person signs in again in another tab and the cookie has a new one. */
function proof(csrf) {
  return /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? csrf;
}

/* A function that posts JSON and returns {ok, status, body}: a lost connection is a state, not an error. */
export function poster(csrf) {
  return async (url, body) => {
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": proof(csrf) },
        body: JSON.stringify(body),
        redirect: "manual",
        signal: AbortSignal.timeout(PATIENCE_MS), // a connection that died in silence would hold all later answers
      });
      return { ok: answer.ok, status: statusOf(answer), body: isJson(answer) ? await answer.json() : null };
    } catch {
      return { ok: false, status: 0, body: null };
    }
  };
}

/* A last word from a page that goes: what it held, as of the server's last word to it. A beacon carries no header, so
   the token that proves its origin goes with it. */
export function beacon(url, csrf, { tokens, at }) {
  if (!tokens.length) return;
  const held = tokens.map((token) => ["tokens", token]);
  navigator.sendBeacon(url, new URLSearchParams([["csrfmiddlewaretoken", proof(csrf)], ["at", at], ...held]));
}

/* The answer's JSON or text, or null where it did not come. */
export async function get(url) {
  try {
    const answer = await fetch(url, { redirect: "manual" });
    if (!answer.ok) return null;
    return isJson(answer) ? await answer.json() : await answer.text();
  } catch {
    return null;
  }
}

/* A sign-in page in place of an answer comes as a redirect, which is opaque here. */
function statusOf(answer) {
  return answer.type === "opaqueredirect" ? 401 : answer.status;
}

function isJson(answer) {
  return /json/.test(answer.headers.get("Content-Type") ?? "");
}

export class Connection {
  constructor({ outbox, say }) {
    Object.assign(this, { outbox, say });
    this.state = document.getElementById("connection");
    this.note = document.getElementById("trouble");
  }

  get isFull() {
    return this.outbox.size >= MOST_UNSENT;
  }

  /* Where the answers are; `canAnswer`: an item is there that can be answered. */
  show({ canAnswer }) {
    const waiting = this.outbox.size;
    const isStuck = Boolean(this.outbox.trouble && waiting);
    const words = `${waiting === 1 ? "1 answer waits" : `${waiting} answers wait`} to be sent`;
    this.state.querySelector(".words").textContent = isStuck ? words : waiting ? "Sending…" : "All answers sent";
    this.state.classList.toggle("warn", isStuck);
    this.state.classList.toggle("good", !isStuck);
    this.#tell(isStuck ? `${words}. ${this.#advice(canAnswer)}` : "");
  }

  #advice(canAnswer) {
    if (this.outbox.trouble === "signed-out") return "You are signed out; sign in again in another tab. They are safe here.";
    return canAnswer ? "Keep going; they are safe here." : "Wait for the connection; they are safe here.";
  }

  #tell(words) {
    if (this.note.textContent === words) return;
    this.note.textContent = words;
    this.note.hidden = !words;
    this.say(words || "All answers sent.");
  }
}
