// Voxels in 3D: one WebGL renderer draws for any number of panes, each a 2D canvas that gets a copy of the picture.
// Browsers allow about 16 WebGL contexts in a page, so panes never have one of their own.
import {
  BufferAttribute, BufferGeometry, Color, GLSL3, Mesh, PerspectiveCamera, Scene, ShaderMaterial, WebGLRenderer,
} from "three";

import { exposedSquares } from "./voxels.js";

const FRONT = { azimuth: 300, elevation: 24 }; // degrees, as in recordio/geometry/camera.py: from the front left
const STEEPEST = 85; // degrees of elevation: beyond, turning would go upside down
const FIELD_OF_VIEW = 30; // degrees
const KEY_STEP = 10; // degrees per press of an arrow key
const DRAG_STEP = 0.5; // degrees per pixel
const EARLY = 100; // pixels from the window at which a pane is drawn
const SHARPEST = 2; // device pixels per CSS pixel, at most

const VERTEX = `
  in vec4 corner;
  in float shade;
  uniform float size;
  uniform vec3 pale;
  uniform vec3 full;
  out vec3 colour;
  out vec2 place;

  void main() {
    int code = int(corner.w);
    int axis = code / 8;
    float direction = (code / 4) % 2 == 0 ? 1.0 : -1.0;
    vec3 normal = direction * vec3(axis == 0, axis == 1, axis == 2);
    vec3 seen = normalize(normalMatrix * normal); // the light stands beside the camera, whichever way it turns
    float key = max(dot(seen, normalize(vec3(-0.45, 0.8, 0.55))), 0.0);
    float fill = max(dot(seen, normalize(vec3(0.9, 0.15, 0.45))), 0.0);
    float open = float(code % 4) / 3.0;
    float light = (0.70 + 0.34 * key + 0.10 * fill) * mix(0.72, 1.0, open);
    colour = min(mix(pale, full, shade) * light, 1.0);
    int turn = gl_VertexID % 4;
    place = vec2(turn == 1 || turn == 2, turn >= 2);
    gl_Position = projectionMatrix * modelViewMatrix * vec4(corner.xyz / size - 0.5, 1.0);
  }`;

const FRAGMENT = `
  in vec3 colour;
  in vec2 place;
  out vec4 picture;

  void main() {
    vec2 width = fwidth(place);
    vec2 inside = min(place, 1.0 - place) / width; // pixels from the cell's outline
    float outline = 1.0 - smoothstep(0.2, 1.1, min(inside.x, inside.y));
    float large = 1.0 - smoothstep(0.08, 0.3, max(width.x, width.y)); // cells of few pixels have none
    picture = vec4(colour * (1.0 - 0.2 * outline * large), 1.0);
  }`;

/** Whether an element is in the window, or so many pixels above or below it. */
export function isNear(element, margin) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > -margin && top < window.innerHeight + margin;
}

/** Where a group of panes looks from; they turn together. */
export class Turn {
  constructor() {
    this.panes = [];
    this.reset();
  }

  reset() {
    this.set(FRONT.azimuth, FRONT.elevation);
  }

  /** Degrees; the elevation is kept within sight of the horizon. */
  set(azimuth, elevation) {
    this.azimuth = ((azimuth % 360) + 360) % 360;
    this.elevation = Math.min(Math.max(elevation, -STEEPEST), STEEPEST);
    this.panes.forEach((pane) => pane.change());
  }

  by(azimuth, elevation) {
    this.set(this.azimuth + azimuth, this.elevation + elevation);
  }
}

/** The one renderer of a page. `Stage.open()` is null where the browser has no WebGL 2. */
export class Stage {
  static open() {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("webgl2", { alpha: true, antialias: true });
    return context && new Stage(canvas, context);
  }

  constructor(canvas, context) {
    this.renderer = new WebGLRenderer({ canvas, context, alpha: true, antialias: true });
    this.renderer.setClearColor(0, 0);
    this.scene = new Scene();
    this.camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.1, 10);
    this.changed = new Set();
    this.asked = false;
    this.panes = new Set();
    canvas.addEventListener("webglcontextrestored", () => this.panes.forEach((pane) => pane.change()));
    // what has changed out of sight is drawn when it comes near
    this.sight = new IntersectionObserver(() => this.ask(), { rootMargin: `${EARLY}px` });
    this.shape = new ResizeObserver((entries) => entries.forEach((entry) => entry.target.pane.change()));
  }

  /** Draw what has changed and is visible, once, before the next frame. */
  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      [...this.changed].filter((pane) => isNear(pane.canvas, EARLY)).forEach((pane) => {
        this.changed.delete(pane);
        this.draw(pane);
      });
    });
  }

  draw(pane) {
    const { canvas } = pane;
    const scale = Math.min(window.devicePixelRatio || 1, SHARPEST);
    const width = Math.max(1, Math.round(canvas.clientWidth * scale));
    const height = Math.max(1, Math.round(canvas.clientHeight * scale));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    this.paint(pane, canvas);
  }

  /** What a pane shows, in a canvas of its own of so many pixels. */
  picture(pane, width, height) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    this.paint(pane, canvas);
    return canvas;
  }

  /** Draw what a pane shows into a 2D canvas, at its size. */
  paint(pane, canvas) {
    const { width, height } = canvas;
    const { turn } = pane;
    const picture = canvas.getContext("2d");
    picture.clearRect(0, 0, width, height);
    if (!pane.mesh) return;
    this.renderer.setSize(width, height, false);
    const [azimuth, elevation] = [turn.azimuth, turn.elevation].map((degrees) => (degrees * Math.PI) / 180);
    // far enough for the object's ball to fit into the narrower side of the pane
    const narrow = Math.tan((FIELD_OF_VIEW * Math.PI) / 360) * Math.min(1, width / height);
    const distance = pane.reach / Math.sin(Math.atan(narrow));
    this.camera.aspect = width / height;
    this.camera.position.set(Math.cos(azimuth) * Math.cos(elevation), Math.sin(elevation),
      Math.sin(azimuth) * Math.cos(elevation)).multiplyScalar(distance);
    this.camera.lookAt(0, 0, 0);
    this.camera.updateProjectionMatrix();
    this.scene.add(pane.mesh);
    this.renderer.render(this.scene, this.camera);
    this.scene.remove(pane.mesh);
    picture.drawImage(this.renderer.domElement, 0, 0); // in the same task: the drawing is gone after it
  }
}

/** One view of a grid, turned by dragging and by the arrow keys. */
export class Pane {
  /**
   * @param stage of the page
   * @param canvas to draw in, laid out by the page's style
   * @param turn shared with the panes that turn together
   * @param colours {pale, full}: CSS colours of the least and of the most certain cells
   */
  constructor(stage, canvas, turn, { pale, full }) {
    this.stage = stage;
    this.canvas = canvas;
    this.turn = turn;
    this.reach = 0.87;
    this.mesh = null;
    this.material = new ShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms: { size: { value: 1 }, pale: { value: srgb(pale) }, full: { value: srgb(full) } },
    });
    canvas.pane = this;
    turn.panes.push(this);
    stage.panes.add(this);
    stage.sight.observe(canvas);
    stage.shape.observe(canvas);
    this.listen();
  }

  /**
   * Show the cells of a grid that have a level of at least *least*; *shades* by level, 0..255, goes from the pale to
   * the full colour. *reach*: what of the unit cube is to fit in, as the distance from its centre.
   */
  show(levels, size, least, shades, reach) {
    this.empty();
    const squares = exposedSquares(levels, size, least, shades);
    if (squares.index.length) {
      const geometry = new BufferGeometry();
      geometry.setAttribute("corner", new BufferAttribute(squares.corners, 4));
      geometry.setAttribute("shade", new BufferAttribute(squares.shades, 1, true));
      geometry.setIndex(new BufferAttribute(squares.index, 1));
      this.mesh = new Mesh(geometry, this.material);
      this.mesh.frustumCulled = false; // it is always in the middle of the picture
    }
    this.material.uniforms.size.value = size;
    this.reach = reach;
    this.change();
  }

  /** Forget the grid and free what the graphics card holds of it. */
  empty() {
    if (this.mesh) this.mesh.geometry.dispose();
    this.mesh = null;
  }

  change() {
    this.stage.changed.add(this);
    this.stage.ask();
  }

  listen() {
    const { canvas, turn } = this;
    let last = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      last = event;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last || event.pointerId !== last.pointerId) return;
      // azimuth runs from +x to +z, clockwise seen from above: the near side follows the pointer
      turn.by((event.clientX - last.clientX) * DRAG_STEP, (event.clientY - last.clientY) * DRAG_STEP);
      last = event;
    });
    ["pointerup", "pointercancel"].forEach((kind) => canvas.addEventListener(kind, () => { last = null; }));
    canvas.addEventListener("keydown", (event) => {
      const step = { // the near side goes where the arrow points
        ArrowLeft: [-KEY_STEP, 0], ArrowRight: [KEY_STEP, 0], ArrowUp: [0, -KEY_STEP], ArrowDown: [0, KEY_STEP],
      }[event.key];
      if (event.altKey || event.ctrlKey || event.metaKey || (!step && event.key !== "Home")) return;
      event.preventDefault();
      if (step) turn.by(...step);
      else turn.reset();
    });
  }
}

/** A CSS colour as the numbers it is written in: no conversion, because the shader's output is shown as it is. */
function srgb(colour) {
  return new Color().setStyle(colour, "");
}
