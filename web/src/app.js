// The application's page: pictures -> the server -> a model that grows with each view.
import { byId, count, megabytes, say } from "./page.js";
import { Pictures } from "./pictures.js";
import { Result } from "./result.js";
import { sentence, Service } from "./service.js";

const EXAMPLES = ["static/example-1.webp", "static/example-2.webp", "static/example-3.webp"];

class App {
  constructor() {
    this.service = new Service((refused) => this.askToken(refused));
    this.result = new Result(this.service);
    this.pictures = new Pictures(this.service, () => this.ready());
    this.running = null; // the AbortController of a reconstruction under way
    this.made = null; // what the model shown was made of
    byId("reconstruct").addEventListener("click", () => this.reconstruct());
    byId("cancel").addEventListener("click", () => this.running?.abort());
    byId("model-again").addEventListener("click", () => this.start());
    takeFiles((files) => this.pictures.add(files));
    byId("example").addEventListener("click", () => this.addExamples());
  }

  /** Ask what the server's model is. */
  async start() {
    say(byId("model-error"), "");
    byId("model-again").hidden = true;
    try {
      const model = await this.service.model();
      this.pictures.offer(model);
      this.result.offer(model);
      showFacts(model);
    } catch (error) {
      say(byId("model-error"), error.message);
      byId("model-again").hidden = false;
    }
  }

  /** Show the form for the token until one is given. */
  askToken(refused) {
    const [box, field] = [byId("token"), byId("token-field")];
    byId("token-why").textContent = refused ? "The server does not know this token."
      : "This server wants a token. Ask whoever runs it.";
    field.value = "";
    box.hidden = false;
    field.focus();
    return new Promise((given) => {
      box.onsubmit = (event) => {
        event.preventDefault();
        box.hidden = true;
        byId("choose").focus();
        given(field.value.trim());
      };
    });
  }

  async addExamples() {
    try {
      const answers = await Promise.all(EXAMPLES.map((address) => this.service.send(address, {})));
      const blobs = await Promise.all(answers.map((answer) => answer.blob()));
      this.pictures.add(blobs.map((blob, place) => new File([blob], `example ${place + 1}`, { type: blob.type })));
    } catch (error) {
      say(byId("pictures-error"), error.message);
    }
  }

  /** What a model of the pictures as they are now would be made of. */
  get recipe() {
    return [this.pictures.foreground.value, ...this.pictures.usable.map((item) => item.file)];
  }

  /** Switch the buttons to what can be done now. */
  ready() {
    const { usable, waiting } = this.pictures;
    const { recipe, made } = this;
    const same = made && made.length === recipe.length && made.every((each, place) => each === recipe[place]);
    byId("reconstruct").disabled = Boolean(this.running) || !usable.length || waiting > 0;
    byId("reconstruct").hidden = Boolean(this.running);
    byId("cancel").hidden = !this.running;
    byId("reconstruct").textContent = made ? "Reconstruct again" : "Reconstruct";
    byId("stale").hidden = Boolean(this.running) || !made || same || waiting > 0;
  }

  async reconstruct() {
    const { recipe } = this;
    const { usable, limits, foreground } = this.pictures;
    const bytes = usable.reduce((sum, item) => sum + item.sent.size, 0);
    if (bytes > limits.request_bytes) {
      say(byId("run-error"), `These pictures have ${megabytes(bytes)} together; the server takes up to `
        + `${megabytes(limits.request_bytes)}. Remove some, or make them smaller.`);
      return;
    }
    this.running = new AbortController();
    say(byId("run-error"), "");
    this.ready();
    byId("cancel").focus();
    this.progress(0, usable.length, "Sending the pictures …");
    const seen = []; // the addresses of the pictures as the network takes them
    let views = 0;
    try {
      const options = { signal: this.running.signal, tell: (words) => this.progress(0, usable.length, words) };
      for await (const event of this.service.reconstruct(usable.map((item) => item.sent), foreground.value, options)) {
        if (event.event === "view") {
          seen[event.index] = event.input;
          this.progress(0, usable.length, `Picture ${event.index + 1} of ${usable.length} is read …`);
        } else if (event.event === "grid") {
          if (!views) {
            this.result.begin(seen);
            this.made = recipe;
          }
          views = event.views;
          this.result.add(event.probabilities);
          this.progress(views, usable.length, `After ${views} of ${count(usable.length, "view")}`);
        } else if (event.event === "end") {
          this.result.doubt(event.warnings.map(sentence));
          this.progress(views, views, `Done: ${count(views, "view")} in ${event.seconds.toFixed(2)} s.`);
        }
      }
    } catch (error) {
      const cancelled = error.name === "AbortError";
      byId("status").textContent = cancelled ? `Cancelled${views ? ` after ${count(views, "view")}` : ""}.` : "";
      say(byId("run-error"), cancelled ? "" : error.message);
    } finally {
      const held = document.activeElement === byId("cancel"); // the keyboard goes where it came from
      this.running = null;
      byId("progress").hidden = true;
      this.ready();
      if (held) byId("reconstruct").focus();
    }
  }

  progress(done, all, words) {
    byId("status").textContent = words;
    byId("progress").value = done / all;
    byId("progress").hidden = false;
  }
}

/** Every way in which pictures come: buttons, dropping anywhere, pasting. */
function takeFiles(add) {
  [["choose", "file"], ["camera", "camera-file"]].forEach(([button, input]) => {
    byId(button).addEventListener("click", () => byId(input).click());
    byId(input).addEventListener("change", () => {
      add([...byId(input).files]);
      byId(input).value = ""; // the same picture may be chosen once more
    });
  });
  let inside = 0; // elements of the page that the pointer has entered and not left
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (change) => (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    inside = Math.max(inside + change, 0);
    document.body.classList.toggle("dropping", inside > 0);
  };
  document.addEventListener("dragenter", mark(1));
  document.addEventListener("dragleave", mark(-1));
  document.addEventListener("dragover", mark(0));
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    inside = 0;
    document.body.classList.remove("dropping");
    add([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return; // text, for the token's field perhaps
    event.preventDefault();
    add(files);
  });
}

function showFacts({ name, engine, precision, resolution, classes, limits, version }) {
  const names = [...new Set(Object.values(classes))].sort();
  const facts = {
    model: name, engine: `${engine}, ${precision}`, voxels: `${resolution} × ${resolution} × ${resolution}`,
    "trained-on": names.join(", ") || "classes that were not recorded",
  };
  Object.entries(facts).forEach(([key, value]) => { byId(`fact-${key}`).textContent = value; });
  byId("facts").hidden = false;
  byId("most").textContent = limits.views;
  byId("version").textContent = version;
}

new App().start();
