// Occupied cells -> the squares between them and empty cells, with what the shader needs to shade them.

/**
 * The exposed squares of a grid.
 *
 * @param levels Uint8Array of size^3 cells in the order [x][y][z]
 * @param size cells along an edge
 * @param least cells of this level and above are occupied
 * @param shades by level, 0..255: where the colour lies between the pale and the full one
 * @returns corners: four Uint16 per vertex, x, y, z (in cells) and 4 * side + openness, where side is 2 * axis for
 *   the face that looks along the axis and 2 * axis + 1 for the one against it, and openness 0..3 counts the
 *   neighbours that do not shadow the corner; shades: one byte per vertex; index: two triangles per square, four
 *   vertices each, counter-clockwise from outside.
 */
export function exposedSquares(levels, size, least, shades) {
  const solid = padded(levels, size, least);
  const wide = size + 2;
  const strides = [wide * wide, wide, 1];
  let squares = 0;
  forEachCell(size, (cell) => {
    if (!solid[cell]) return;
    for (const stride of strides) squares += 2 - solid[cell + stride] - solid[cell - stride];
  });

  const corners = new Uint16Array(squares * 16);
  const tints = new Uint8Array(squares * 4);
  const index = new Uint32Array(squares * 6);
  const open = [0, 0, 0, 0];
  let square = 0;
  forEachCell(size, (cell, x, y, z) => {
    if (!solid[cell]) return;
    const here = [x, y, z];
    const tint = shades[levels[(x * size + y) * size + z]];
    for (let side = 0; side < 6; side += 1) {
      const axis = side >> 1;
      const front = cell + (side % 2 ? -strides[axis] : strides[axis]); // the cell that the square looks into
      if (solid[front]) continue;
      const [u, v] = [(axis + 1) % 3, (axis + 2) % 3];
      const ring = side % 2 ? CLOCKWISE : COUNTER;
      for (let corner = 0; corner < 4; corner += 1) {
        const [du, dv] = ring[corner];
        const besideU = solid[front + (du ? strides[u] : -strides[u])];
        const besideV = solid[front + (dv ? strides[v] : -strides[v])];
        const across = solid[front + (du ? strides[u] : -strides[u]) + (dv ? strides[v] : -strides[v])];
        open[corner] = besideU && besideV ? 0 : 3 - besideU - besideV - across;
        const at = (square * 4 + corner) * 4;
        corners[at + axis] = here[axis] + (side % 2 ? 0 : 1);
        corners[at + u] = here[u] + du;
        corners[at + v] = here[v] + dv;
        corners[at + 3] = side * 4 + open[corner];
        tints[square * 4 + corner] = tint;
      }
      // the diagonal joins the lighter corners, or a shadow would bend along it
      const first = open[0] + open[2] >= open[1] + open[3] ? 0 : 1;
      TRIANGLES.forEach((corner, place) => { index[square * 6 + place] = square * 4 + ((corner + first) % 4); });
      square += 1;
    }
  });
  return { corners, shades: tints, index };
}

/** The distance of the farthest occupied cell's corner from the grid's centre, in edges of the grid. */
export function reach(levels, size, least) {
  let farthest = 0;
  let cell = 0;
  for (let x = 0; x < size; x += 1) {
    for (let y = 0; y < size; y += 1) {
      for (let z = 0; z < size; z += 1, cell += 1) {
        if (levels[cell] < least) continue;
        const [a, b, c] = [x, y, z].map((each) => Math.abs(each + 0.5 - size / 2) + 0.5);
        farthest = Math.max(farthest, a * a + b * b + c * c);
      }
    }
  }
  return Math.sqrt(farthest) / size;
}

const COUNTER = [[0, 0], [1, 0], [1, 1], [0, 1]];
const CLOCKWISE = [[0, 0], [0, 1], [1, 1], [1, 0]];
const TRIANGLES = [0, 1, 2, 0, 2, 3];

function padded(levels, size, least) {
  const wide = size + 2; // a rim of empty cells spares every question for the border
  const solid = new Uint8Array(wide ** 3);
  let cell = 0;
  for (let x = 1; x <= size; x += 1) {
    for (let y = 1; y <= size; y += 1) {
      const row = (x * wide + y) * wide + 1;
      for (let z = 0; z < size; z += 1, cell += 1) solid[row + z] = levels[cell] >= least ? 1 : 0;
    }
  }
  return solid;
}

function forEachCell(size, visit) {
  const wide = size + 2;
  for (let x = 0; x < size; x += 1) {
    for (let y = 0; y < size; y += 1) {
      const row = ((x + 1) * wide + y + 1) * wide + 1;
      for (let z = 0; z < size; z += 1) visit(row + z, x, y, z);
    }
  }
}
