// The list of pictures: what was dropped, chosen or pasted -> the foreground of each, in an order to change.
import { Failure, sentence } from "./service.js";
import { byId, count, megabytes, say } from "./page.js";
import { forSending } from "./scaling.js";

const AT_ONCE = 2; // pictures that the server looks at for one page at the same time

const METHODS = { // of finding the object, by the server's names
  auto: "automatically",
  alpha: "by its transparency",
  plain: "by its plain background",
  grabcut: "by segmentation (GrabCut)",
  model: "by a segmentation model",
  none: "not at all: take whole pictures",
};

/** The pictures; `onchange` is called whenever their number, order or state has changed. */
export class Pictures {
  constructor(service, onchange) {
    this.service = service;
    this.onchange = onchange;
    this.items = [];
    this.limits = { views: 24, file_bytes: Infinity, request_bytes: Infinity };
    this.list = byId("pictures");
    this.template = byId("picture-template").content;
    this.foreground = byId("foreground");
    this.foreground.addEventListener("change", () => this.lookAgain(this.items));
    byId("clear").addEventListener("click", () => {
      [...this.items].forEach((item) => this.drop(item));
      byId("choose").focus();
      this.changed();
    });
  }

  /** What the server says of its limits and of its ways to find an object. */
  offer({ limits, foregrounds }) {
    this.limits = limits;
    const chosen = this.foreground.value;
    this.foreground.replaceChildren(...foregrounds.map((name) => new Option(METHODS[name] ?? name, name)));
    if (foregrounds.includes(chosen)) this.foreground.value = chosen;
  }

  /** Those that a reconstruction can use, in order. */
  get usable() {
    return this.items.filter((item) => item.state === "ready");
  }

  get waiting() {
    return this.items.filter((item) => item.state === "waiting" || item.state === "looking").length;
  }

  /** Add files, as many as fit. */
  add(files) {
    const room = Math.max(this.limits.views - this.items.length, 0);
    const left = files.length - room;
    say(byId("pictures-error"), left <= 0 ? "" : `A model takes at most ${count(this.limits.views, "picture")}: `
      + `${left === 1 ? "the last one was" : `the last ${left} were`} left out.`);
    files.slice(0, room).forEach((file) => {
      const item = { file, state: "waiting", row: this.template.firstElementChild.cloneNode(true) };
      item.row.querySelector(".name").textContent = file.name;
      item.row.querySelector(".remove").addEventListener("click", () => this.remove(item));
      item.row.querySelector(".earlier").addEventListener("click", () => this.move(item, -1));
      item.row.querySelector(".later").addEventListener("click", () => this.move(item, 1));
      item.row.querySelector(".again").addEventListener("click", () => {
        this.focus(item, "remove");
        this.lookAgain([item]);
      });
      this.items.push(item);
      this.list.append(item.row);
      this.check(item);
    });
    this.changed();
  }

  /** What can be known without the server. */
  check(item) {
    if (!item.file.size) {
      this.settle(item, { error: new Failure("This file is empty or a folder. Add the pictures themselves.",
        { status: 415 }) });
    }
  }

  lookAgain(items) {
    items.forEach((item) => {
      item.looking?.abort();
      Object.assign(item, { state: "waiting", found: null, error: null });
      this.check(item);
    });
    this.changed();
  }

  /** Send the next pictures off, never more than AT_ONCE. */
  next() {
    const free = AT_ONCE - this.items.filter((item) => item.state === "looking").length;
    this.items.filter((item) => item.state === "waiting").slice(0, free).forEach((item) => this.look(item));
  }

  async look(item) {
    const looking = new AbortController();
    Object.assign(item, { state: "looking", looking });
    const options = { signal: looking.signal, tell: (words) => this.note(item, words || "Looking for the object …") };
    item.sent ??= await forSending(item.file); // AT_ONCE bounds what is decoded at the same time, too
    if (looking.signal.aborted) return;
    const { file_bytes: most } = this.limits;
    const result = item.sent.size > most
      ? { error: new Failure(`This picture has ${megabytes(item.sent.size)}; the server takes up to ${megabytes(most)}. `
        + "Make it smaller and add it again.", { status: 413 }) }
      : await this.service.view(item.sent, this.foreground.value, options)
        .then((found) => ({ found }), (error) => ({ error }));
    if (looking.signal.aborted) return; // removed, or asked for once more
    this.settle(item, result);
    this.changed();
  }

  settle(item, { found = null, error = null }) {
    Object.assign(item, { state: found ? "ready" : "failed", found, error, looking: null });
    if (error && !(error instanceof Failure)) throw error;
  }

  drop(item) {
    item.looking?.abort();
    item.row.remove();
    this.items.splice(this.items.indexOf(item), 1);
  }

  remove(item) {
    const place = this.items.indexOf(item);
    this.drop(item);
    say(byId("pictures-error"), "");
    const next = this.items[Math.min(place, this.items.length - 1)];
    if (next) this.focus(next, "remove");
    else byId("choose").focus();
    this.changed();
  }

  move(item, step) {
    const place = this.items.indexOf(item);
    this.items.splice(place, 1);
    this.items.splice(place + step, 0, item);
    if (step < 0) item.row.previousElementSibling.before(item.row);
    else item.row.nextElementSibling.after(item.row);
    this.changed();
    this.focus(item, step < 0 ? "earlier" : "later");
  }

  /** The keyboard stays where it was, or next to it where that button has no more to do. */
  focus(item, name) {
    const buttons = [name, "earlier", "later", "remove"].map((each) => item.row.querySelector(`.${each}`));
    buttons.find((button) => !button.disabled).focus();
  }

  changed() {
    this.next();
    this.items.forEach((item, place) => this.show(item, place));
    byId("list-head").hidden = !this.items.length;
    byId("drop").classList.toggle("small", this.items.length > 0);
    const failed = this.items.filter((item) => item.state === "failed").length;
    byId("pictures-status").textContent = !this.items.length ? "" : [
      `${this.usable.length} of ${count(this.items.length, "picture")} ready`,
      ...(this.waiting ? [`${this.waiting} being looked at`] : []),
      ...(failed ? [`${failed} cannot be used`] : []),
    ].join(", ");
    this.onchange();
  }

  show(item, place) {
    const { row, state, found, error } = item;
    const find = (name) => row.querySelector(name);
    const label = `picture ${place + 1}`;
    row.dataset.state = state;
    find(".number").textContent = place + 1;
    [["remove", "Remove"], ["earlier", "Move"], ["later", "Move"]].forEach(([name, verb]) => {
      const way = name === "remove" ? "" : ` ${name}`;
      find(`.${name}`).setAttribute("aria-label", `${verb} ${label}${way}`);
      find(`.${name}`).title = `${verb}${way}`;
    });
    find(".earlier").disabled = place === 0;
    find(".later").disabled = place === this.items.length - 1;
    find(".again").hidden = !(error && (error.status === 0 || error.status >= 429));
    [["found", "foreground", "foreground found in"], ["seen", "input", "the network's view of"]].forEach(
      ([name, field, words]) => {
        const image = find(`.${name} img`);
        image.hidden = !found;
        if (!found) return image.removeAttribute("src");
        if (image.getAttribute("src") !== found[field]) image.src = found[field];
        image.alt = `${words} ${label}`;
        return image;
      },
    );
    this.note(item, { waiting: "Waits for the server …", looking: "Looking for the object …" }[state]
      ?? (error ? `${error.message}${error.status ? " It is left out." : ""}` : sentence(found.note)));
    find(".warnings").replaceChildren(...(found?.warnings ?? []).map((words) => {
      const line = document.createElement("li");
      line.textContent = sentence(words);
      return line;
    }));
  }

  note(item, words) {
    const note = item.row.querySelector(".note");
    if (note.textContent !== words) note.textContent = words;
  }
}
