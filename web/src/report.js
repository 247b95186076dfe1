// The evaluation report and the page of samples: sliders, panes and tables of what gluon_r2n2/evaluation/page writes.
import { iou, unpack } from "./grids.js";
import { isNear, Pane, Stage, Turn } from "./viewer.js";
import { reaches } from "./voxels.js";
import { chooseTables, sortTables } from "./tables.js";

const LEAST_SPAN = 0.2; // of IoU that the curve over a slider stands for, as page/gallery.py draws it first
const AHEAD = 600; // pixels from the window at which the grids of a card are unpacked
const CLOSEST = 0.5; // the least of the unit cube that a pane shows, from its centre

/** What all cards share: the packed format's edges, and the threshold shown (an index of them). */
class Report {
  constructor(config) {
    this.edges = config.edges;
    this.evaluated = config.evaluated;
    this.edge = config.evaluated;
    this.colours = config.colours;
    this.step = config.step; // what an address calls the place of a slider
    this.stage = Stage.open();
    this.slider = document.getElementById("threshold");
    this.readout = document.getElementById("threshold-value");
    this.cards = [...document.querySelectorAll(".object")].map((element) => new Card(this, element));
    this.slider.addEventListener("input", () => {
      this.choose(Number(this.slider.value));
      this.remember();
    });
    document.getElementById("threshold-reset").addEventListener("click", () => {
      this.choose(this.evaluated);
      this.remember();
    });
    window.addEventListener("hashchange", () => this.recall());
  }

  start() {
    document.getElementById("controls").hidden = false;
    this.choose(this.evaluated);
    this.recall();
    // grids are unpacked when their card comes near, and given back when it is far away again
    const follow = () => this.cards.forEach((card) => (isNear(card.element, AHEAD) ? card.open() : card.close()));
    const near = new IntersectionObserver(follow, { rootMargin: `${AHEAD}px` });
    this.cards.forEach((card) => near.observe(card.element));
    follow();
  }

  /** Show the voxels that reach an edge. */
  choose(edge) {
    this.edge = Math.min(Math.max(edge, 0), this.edges.length - 1);
    const text = written(this.edges[this.edge]);
    this.slider.value = this.edge;
    this.slider.setAttribute("aria-valuetext", `probability ${text}`);
    this.readout.textContent = text;
    document.getElementById("threshold-reset").disabled = this.edge === this.evaluated;
    this.cards.forEach((card) => card.update());
  }

  /** By level, 0..255: how certain a shown cell is, from just at the threshold to the last edge. */
  shades() {
    const span = Math.max(this.edges.length - 1 - this.edge, 1);
    return Array.from({ length: this.edges.length + 1 },
      (_, level) => Math.round((255 * Math.min(Math.max(level - 1 - this.edge, 0), span)) / span));
  }

  /** Read the state from the address: #object=0&views=3&threshold=0.4&turn=300,24, each part optional. */
  recall() {
    const state = new URLSearchParams(window.location.hash.slice(1));
    const card = this.cards[Number(state.get("object") || NaN)];
    const chosen = card ? [card] : this.cards;
    if (state.has("threshold")) this.choose(nearest(this.edges, Number(state.get("threshold"))));
    if (state.has(this.step)) {
      chosen.forEach((each) => each.choose(nearest(each.counts, Number(state.get(this.step)))));
    }
    if (state.has("turn")) {
      const [azimuth, elevation] = state.get("turn").split(",").map(Number);
      if (Number.isFinite(azimuth + elevation)) chosen.forEach((each) => each.turn.set(azimuth, elevation));
    }
    if (card) card.element.scrollIntoView();
  }

  /** Write the state of a card, or of all, into the address, so that it can be passed on. */
  remember(card) {
    const parts = card ? [`object=${this.cards.indexOf(card)}`, `${this.step}=${card.counts[card.count]}`] : [];
    parts.push(`threshold=${written(this.edges[this.edge])}`);
    window.history.replaceState(null, "", `#${parts.join("&")}`);
  }
}

/** One object: its panes, its slider and what depends on them. What it is beside, if anything, is its truth. */
class Card {
  constructor(report, element) {
    this.report = report;
    this.element = element;
    this.size = Number(element.dataset.size);
    this.counts = JSON.parse(element.dataset.counts);
    this.names = JSON.parse(element.dataset.names); // of each count
    this.count = Number(element.dataset.start);
    this.grids = null;
    this.wanted = false;
    this.turn = new Turn();
    this.slider = element.querySelector(".growth input");
    this.panes = report.stage ? this.makePanes() : {};
    if (this.slider) {
      this.slider.disabled = false;
      this.slider.addEventListener("input", () => {
        this.choose(Number(this.slider.value));
        this.report.remember(this);
      });
    }
    this.choose(this.count);
  }

  makePanes() {
    const panes = {};
    this.element.querySelectorAll(".pane").forEach((box) => {
      const canvas = document.createElement("canvas");
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", box.dataset.label);
      box.replaceChildren(canvas);
      panes[box.dataset.pane] = new Pane(this.report.stage, canvas, this.turn, this.report.colours[box.dataset.pane]);
    });
    return panes;
  }

  async open() {
    if (this.wanted) return;
    this.wanted = true;
    const text = this.element.querySelector("script").textContent;
    const grids = await unpack(text, this.size, this.counts.length, this.report.edges.length);
    if (!this.wanted || this.grids) return; // scrolled away, or away and back, meanwhile
    this.grids = grids;
    this.reach = Math.max(CLOSEST, reaches(grids.truth, this.size)[1],
      reaches(grids.levels[this.counts.length - 1], this.size)[this.report.evaluated + 1]);
    if (this.panes.truth) this.panes.truth.show(grids.truth, this.size, 1, [0, 255], this.reach);
    this.update();
  }

  close() {
    this.wanted = false;
    this.grids = null;
    Object.values(this.panes).forEach((pane) => pane.empty());
  }

  /** Show the shape from the count at this place. */
  choose(place) {
    this.count = Math.min(Math.max(place, 0), this.counts.length - 1);
    const used = this.counts[this.count] || Infinity; // 0: all pictures belong to the one shape that there is
    const name = this.names[this.count];
    if (this.slider) {
      this.slider.value = this.count;
      this.slider.setAttribute("aria-valuetext", name);
    }
    this.element.querySelectorAll(".views li").forEach((item, number) => {
      item.classList.toggle("unused", number >= used);
    });
    this.element.querySelectorAll("[data-show=step]").forEach((each) => { each.textContent = name; });
    this.update();
  }

  /** Bring panes, numbers and curve up to date with the threshold and the view count. */
  update() {
    if (!this.grids) return;
    const { edge } = this.report;
    const counts = this.counts.map((_, place) => this.grids.voxelCounts(place, edge));
    const scores = counts.map(iou);
    const { intersection, union } = counts[this.count];
    const score = this.element.querySelector("[data-show=iou]"); // absent where there is nothing to compare with
    if (score) score.textContent = scores[this.count].toFixed(3);
    const shared = score ? `${intersection.toLocaleString("en")} of ` : "";
    this.element.querySelector("[data-show=voxels]").textContent =
      `${shared}${union.toLocaleString("en")} voxels${score ? " shared" : ""}`;
    this.drawCurve(scores);
    if (this.panes.prediction) {
      this.panes.prediction.show(this.grids.levels[this.count], this.size, edge + 1, this.report.shades(), this.reach);
    }
  }

  /** The curve over the slider, from its least to its largest IoU, a unit per view count; the numbers are under it. */
  drawCurve(scores) {
    const [line, dots, mark] = ["line", "dots", "mark"].map((kind) => this.element.querySelector(`.growth .${kind}`));
    if (!line) return;
    const low = Math.min(...scores);
    const span = Math.max(Math.max(...scores) - low, LEAST_SPAN);
    const points = scores.map((score, place) => `${place} ${(1 - (score - low) / span).toFixed(4)}`);
    this.element.querySelectorAll(".counts .at").forEach((each, place) => {
      each.textContent = scores[place].toFixed(2);
    });
    line.setAttribute("d", `M${points.join("L")}`);
    dots.setAttribute("d", points.map((point) => `M${point}h0`).join(""));
    mark.setAttribute("d", `M${points[this.count]}h0`);
  }
}

function nearest(numbers, wanted) {
  return numbers.reduce((best, number, place) => (
    Math.abs(number - wanted) < Math.abs(numbers[best] - wanted) ? place : best), 0);
}

/** A threshold with two digits, or with all that it has: it may be any number, and the address must find it again. */
function written(threshold) {
  const text = threshold.toFixed(2);
  return Number(text) === threshold ? text : String(threshold);
}

const report = document.getElementById("report-config");
// a browser too old to unpack the grids could not count: it keeps the numbers that the page came with, and no slider
if (report && "DecompressionStream" in window) new Report(JSON.parse(report.textContent)).start();
chooseTables();
sortTables();
