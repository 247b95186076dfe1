// The model: grids as they arrive -> the pane, the two sliders, counts and files.
import { fromBase64 } from "./grids.js";
import { byId, count, save, say } from "./page.js";
import { Pane, Stage, Turn } from "./viewer.js";
import { reaches } from "./voxels.js";

const COLOURS = { pale: "#bcd3f8", full: "#4a86e8" }; // as tools/pictures.py and the evaluation report have them
const CLOSEST = 0.5; // the least of the unit cube that the pane shows, from its centre
const TOP = 255; // the level of probability 1
const PICTURE = [1600, 1200]; // pixels of a saved picture
const NAMES = { glb: "GLB", obj: "OBJ", stl: "STL", ply: "PLY", binvox: "binvox" };
const SURFACES = { // what the server makes of a grid
  smooth: { mesh: "marching", smooth: 10 },
  plain: { mesh: "marching", smooth: 0 },
  cubes: { mesh: "cubes" },
};

export class Result {
  constructor(service) {
    this.service = service;
    this.grids = []; // after each view: Uint8Array of size^3 levels [x][y][z], round(255 * probability)
    this.step = 0; // the place of the one shown
    this.threshold = null;
    this.own = null; // the model's threshold
    this.drawing = false; // the next frame has been asked to show the model
    this.canvas = byId("canvas");
    this.turn = new Turn();
    this.stage = Stage.open();
    this.pane = this.stage && new Pane(this.stage, this.canvas, this.turn, COLOURS);
    byId("no-webgl").hidden = Boolean(this.stage);
    [this.canvas, byId("front"), byId("save-picture")].forEach((each) => { each.hidden = !this.stage; });
    this.steps = byId("step");
    this.steps.addEventListener("input", () => {
      this.step = Number(this.steps.value) - 1;
      this.follows = this.step === this.grids.length - 1;
      this.update();
    });
    this.slider = byId("threshold");
    this.slider.addEventListener("input", () => this.choose(Number(this.slider.value)));
    byId("threshold-own").addEventListener("click", () => {
      this.choose(this.own);
      this.slider.focus(); // the button has switched itself off
    });
    byId("front").addEventListener("click", () => this.turn.reset());
    byId("save-picture").addEventListener("click", () => this.savePicture());
  }

  /** What the server says of its model. */
  offer({ threshold, formats }) {
    this.own = threshold;
    this.choose(this.threshold ?? threshold);
    byId("files").replaceChildren(...Object.keys(NAMES).filter((format) => formats.includes(format)).map((format) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = NAMES[format];
      button.addEventListener("click", () => this.download(format, button));
      return button;
    }));
  }

  /** Forget the last model; *pictures* are the addresses of the views that the next one is made of. */
  begin(pictures) {
    this.grids = [];
    this.histograms = [];
    this.reaches = [];
    this.follows = true; // a new grid is shown as it arrives, until the user looks back
    say(byId("file-error"), "");
    byId("doubts").replaceChildren();
    byId("used").replaceChildren(...pictures.map((address) => {
      const item = document.createElement("li");
      const image = document.createElement("img");
      Object.assign(image, { src: address, alt: "" });
      item.append(image);
      return item;
    }));
  }

  /** The model after one view more. */
  add(probabilities) {
    const levels = fromBase64(probabilities);
    this.size = Math.round(Math.cbrt(levels.length));
    this.grids.push(levels);
    this.histograms.push(histogram(levels));
    this.reaches.push(reaches(levels, this.size));
    if (this.follows) this.step = this.grids.length - 1;
    byId("views").hidden = this.grids.length < 2;
    byId("placeholder").hidden = true;
    byId("result").hidden = false;
    byId("after").hidden = false;
    this.update();
  }

  choose(threshold) {
    this.threshold = threshold;
    const text = written(threshold);
    this.slider.value = threshold;
    this.slider.setAttribute("aria-valuetext", `probability ${text}`);
    byId("threshold-value").textContent = text;
    byId("threshold-own").disabled = threshold === this.own;
    if (this.own !== null) byId("threshold-own").textContent = `Model's own: ${written(this.own)}`;
    this.update();
  }

  /** The least level that reaches the threshold: level / 255 >= threshold, computed as the server does. */
  get least() {
    let level = 0;
    while (level <= TOP && level / TOP < this.threshold) level += 1;
    return level;
  }

  get occupied() {
    return this.histograms[this.step].slice(this.least).reduce((sum, each) => sum + each, 0);
  }

  /** Bring everything up to date with the step and the threshold. */
  update() {
    if (!this.grids.length) return;
    const { grids, step, least, occupied, size } = this;
    const made = count(grids.length, "view");
    this.steps.max = grids.length;
    this.steps.value = step + 1;
    this.steps.setAttribute("aria-valuetext", `after ${step + 1} of ${made}`);
    byId("step-value").textContent = `${step + 1} of ${made}`;
    byId("after").textContent = `After ${step + 1} of ${made}`;
    [...byId("used").children].forEach((item, place) => item.classList.toggle("unused", place > step));
    byId("voxels").textContent = count(occupied, "voxel");
    byId("share").textContent = `of ${(size ** 3).toLocaleString("en")}`;
    const highest = this.histograms[step].reduce((top, each, level) => (each ? level : top), 0) / TOP;
    say(byId("empty"), occupied ? "" : `No voxel is as probable as ${written(this.threshold)}; the most probable one has `
      + `${highest.toFixed(2)}. Move the threshold down.`);
    byId("files").querySelectorAll("button").forEach((button) => { button.disabled = !occupied; });
    this.draw();
    this.canvas.setAttribute("aria-label", `The model after ${step + 1} of ${made}: ${count(occupied, "voxel")}. `
      + "Turn it with the arrow keys.");
  }

  /** Show the model once before the next frame, however often a slider has moved until then. */
  draw() {
    if (!this.pane || this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      const { grids, step, least, size } = this;
      // as large as the last model needs, so that the picture does not jump from view to view
      const room = Math.max(CLOSEST, this.reaches[step][least], this.reaches[grids.length - 1][least]);
      this.pane.show(grids[step], size, least, shades(least), room);
    });
  }

  /** What the server doubts about a finished model. */
  doubt(sentences) {
    byId("doubts").replaceChildren(...sentences.map((words) => {
      const item = document.createElement("li");
      item.textContent = words;
      return item;
    }));
  }

  async download(format, button) {
    const tell = (words) => say(byId("file-status"), words);
    const options = { format, threshold: this.threshold, ...SURFACES[byId("surface").value] };
    const height = byId("height");
    if (height.value) Object.assign(options, { height: height.value, units: byId("units").value });
    say(byId("file-error"), height.validity.badInput || (height.value && !(height.value > 0))
      ? "The height wants a number above 0, or nothing." : "");
    if (byId("file-error").textContent) return;
    button.setAttribute("aria-busy", "true");
    try {
      save(await this.service.surface(this.grids[this.step], options, { tell }), `model.${format}`);
      tell(`model.${format} was handed to the browser's downloads.`);
    } catch (error) {
      tell("");
      say(byId("file-error"), error.message);
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  savePicture() {
    this.stage.picture(this.pane, ...PICTURE).toBlob((blob) => save(blob, "model.png"), "image/png");
  }
}

/** By level: how many cells have it. */
function histogram(levels) {
  const counts = new Array(TOP + 1).fill(0);
  levels.forEach((level) => { counts[level] += 1; });
  return counts;
}

/** By level, 0..255: how certain a shown cell is, from just at the threshold to 1. */
function shades(least) {
  const span = Math.max(TOP - least, 1);
  return Array.from({ length: TOP + 1 }, (_, level) => Math.round((255 * Math.max(level - least, 0)) / span));
}

/** A threshold with two digits, or with all that it has where it is the model's own. */
function written(threshold) {
  const text = threshold.toFixed(2);
  return Number(text) === threshold ? text : String(threshold);
}
