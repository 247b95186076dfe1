// The server's HTTP interface: one sentence for every failure, the token, waiting while it is busy, JSON lines.

const TRIES = 5; // while the server says that it is busy
const LONGEST_WAIT = 60; // seconds until the next try, whatever the server says
const TOKEN = "gluon-r2n2-token"; // its key in the tab's storage
const BROKEN = "The connection to the server broke off. Try again.";
const UNREACHABLE = "The server cannot be reached. Check that it runs and that this device is connected, then try again.";
const WORDS = { // where an answer has no sentence of its own: a proxy's, for instance
  408: "The server did not get the whole request in time.",
  413: "This is larger than the server takes.",
  415: "This is not a picture that the server can read.",
  429: "The server is busy.",
  503: "The server is not ready.",
};

/** What went wrong, as a sentence to show. *status*: of HTTP, 0 without an answer; *wait*: seconds, null: not told. */
export class Failure extends Error {
  constructor(message, { status = 0, wait = null } = {}) {
    super(message);
    this.status = status;
    this.wait = wait;
  }
}

export class Service {
  /** @param ask called when the server wants a token (true: it refused one); resolves to what was given. */
  constructor(ask) {
    this.ask = ask;
    this.asking = null;
    this.token = recall();
  }

  /** What the server says of its model, its limits and its file formats. */
  async model() {
    return whole((await this.send("v1/model", {})).json());
  }

  /** The foreground of one picture. */
  async view(file, foreground, { signal, tell }) {
    const body = form({ image: [file], foreground });
    return this.patiently(tell, signal, async () => (
      whole((await this.send("v1/views", { method: "POST", body, signal })).json())));
  }

  /** The events of a reconstruction, each as soon as the server has it. */
  async* reconstruct(files, foreground, { signal, tell }) {
    const body = form({ images: files, foreground });
    const response = await this.patiently(tell, signal, () => (
      this.send("v1/reconstructions/stream", { method: "POST", body, signal })));
    let complete = false;
    for await (const event of lines(response)) {
      if (event.event === "error") throw new Failure(sentence(event.error.message));
      complete = event.event === "end";
      yield event;
    }
    if (!complete) throw new Failure(BROKEN);
  }

  /** The file of a grid's surface, as a Blob; *options* become the query: format, threshold, mesh, smooth. */
  async surface(grid, options, { signal, tell }) {
    const query = new URLSearchParams(options);
    const request = { method: "POST", body: grid, headers: { "Content-Type": "application/octet-stream" }, signal };
    return this.patiently(tell, signal, async () => (
      whole((await this.send(`v1/surfaces?${query}`, request)).blob())));
  }

  /** One request; a token is asked for where one is wanted. Anything but success is a Failure. */
  async send(path, { headers = {}, ...options }) {
    for (;;) {
      const { token } = this;
      const response = await fetch(path, {
        ...options, cache: "no-store", headers: token ? { ...headers, Authorization: `Bearer ${token}` } : headers,
      }).catch(failing(UNREACHABLE));
      if (response.ok) return response;
      if (response.status !== 401) throw await failure(response);
      await this.renew(token, options.signal);
    }
  }

  /** Wait for another token than the one refused; all requests wait for the same answer. */
  async renew(refused, signal) {
    if (this.token !== refused) return; // given meanwhile
    this.asking ??= this.ask(Boolean(refused)).then((token) => {
      this.token = token;
      this.asking = null;
      remember(token);
    });
    await Promise.race([this.asking, aborted(signal)]);
  }

  /** Try again while the server is busy and says for how long; *tell* is given the sentence to show meanwhile. */
  async patiently(tell, signal, attempt) {
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof Failure) || error.wait === null || tries === TRIES) throw error;
        for (let left = Math.min(error.wait, LONGEST_WAIT); left > 0; left -= 1) {
          tell(`${error.message} Trying again in ${left} s.`);
          await Promise.race([new Promise((done) => { setTimeout(done, 1000); }), aborted(signal)]);
        }
        tell("");
      }
    }
  }
}

function form({ foreground, ...files }) {
  const body = new FormData();
  Object.entries(files).forEach(([name, each]) => each.forEach((file) => body.append(name, file, file.name)));
  body.append("foreground", foreground);
  return body;
}

/** The objects of a response of one JSON text per line. */
async function* lines(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await whole(reader.read());
      const parts = (rest + decoder.decode(value, { stream: !done })).split("\n");
      rest = done ? "" : parts.pop(); // the last line may lack its end
      for (const part of parts.filter((each) => each.trim())) yield parsed(part);
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {}); // who leaves early wants no more of it; at the end this does nothing
  }
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    throw new Failure(BROKEN); // another server's page, perhaps, or two answers in one
  }
}

async function failure(response) {
  const { status } = response;
  const told = await response.json().then((body) => body.error.message).catch(() => null);
  const words = WORDS[status] ?? `The server answered with ${status}, which this page does not know. Try again.`;
  const wait = [429, 503].includes(status) ? Number.parseInt(response.headers.get("Retry-After"), 10) : NaN;
  return new Failure(told ? sentence(told) : words, { status, wait: Number.isNaN(wait) ? null : Math.max(wait, 1) });
}

/** What an answer's body holds, or a Failure where it stops in the middle or is not what was announced. */
function whole(reading) {
  return reading.catch(failing(BROKEN));
}

/** Turns what `fetch` throws into a Failure with these words; cancelling stays what it is. */
function failing(words) {
  return (error) => {
    throw error.name === "AbortError" ? error : new Failure(words);
  };
}

function aborted(signal) {
  return new Promise((_, reject) => {
    const leave = () => reject(new DOMException("cancelled", "AbortError"));
    if (signal?.aborted) leave();
    signal?.addEventListener("abort", leave, { once: true });
  });
}

/** With a capital and a full stop; what begins with the name of a file keeps it. */
export function sentence(text) {
  const start = /^[a-z]+ /.test(text) ? text.charAt(0).toUpperCase() : text.charAt(0);
  return start + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

function recall() {
  try {
    return sessionStorage.getItem(TOKEN) ?? "";
  } catch {
    return ""; // storage is forbidden
  }
}

function remember(token) {
  try {
    sessionStorage.setItem(TOKEN, token);
  } catch {
    // storage is forbidden: the token holds until the page is left
  }
}
