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
  const sides = strides.flatMap((_, axis) => [looks(axis, 1, strides), looks(axis, -1, strides)]);
  let squares = 0; // each lies where a cell and the next one differ
  for (const stride of strides) {
    for (let cell = stride; cell < solid.length; cell += 1) squares += solid[cell] ^ solid[cell - stride];
  }

  const corners = new Uint16Array(squares * 16);
  const tints = new Uint8Array(squares * 4);
  const index = new Uint32Array(squares * 6);
  const open = [0, 0, 0, 0];
  const here = [0, 0, 0];
  let square = 0;
  let place = 0;
  for (here[0] = 0; here[0] < size; here[0] += 1) {
    for (here[1] = 0; here[1] < size; here[1] += 1) {
      let cell = ((here[0] + 1) * wide + here[1] + 1) * wide;
      for (here[2] = 0; here[2] < size; here[2] += 1, place += 1) {
        cell += 1;
        if (!solid[cell]) continue;
        for (let side = 0; side < 6; side += 1) {
          const { axis, u, v, step, ring } = sides[side];
          const front = cell + step; // the cell that the square looks into
          if (solid[front]) continue;
          for (let corner = 0; corner < 4; corner += 1) {
            const { du, dv, besideU, besideV } = ring[corner];
            const [a, b] = [solid[front + besideU], solid[front + besideV]];
            open[corner] = a && b ? 0 : 3 - a - b - solid[front + besideU + besideV];
            const at = (square * 4 + corner) * 4;
            corners[at + axis] = here[axis] + (step > 0 ? 1 : 0);
            corners[at + u] = here[u] + du;
            corners[at + v] = here[v] + dv;
            corners[at + 3] = side * 4 + open[corner];
          }
          tints.fill(shades[levels[place]], square * 4, square * 4 + 4);
          // the diagonal joins the lighter corners, or a shadow would bend along it
          const first = open[0] + open[2] >= open[1] + open[3] ? 0 : 1;
          for (let each = 0; each < 6; each += 1) {
            index[square * 6 + each] = square * 4 + ((TRIANGLES[each] + first) % 4);
          }
          square += 1;
        }
      }
    }
  }
  return { corners, shades: tints, index };
}

/**
 * By level, 0..256: the distance from the grid's centre to the farthest corner of a cell that has the level or more,
 * in edges of the grid; 0 where there is none. One pass answers for every threshold.
 */
export function reaches(levels, size) {
  const squared = Float64Array.from({ length: size }, (_, cell) => (Math.abs(cell + 0.5 - size / 2) + 0.5) ** 2);
  const farthest = new Float64Array(257);
  let cell = 0;
  for (let x = 0; x < size; x += 1) {
    for (let y = 0; y < size; y += 1) {
      const across = squared[x] + squared[y];
      for (let z = 0; z < size; z += 1, cell += 1) {
        const level = levels[cell];
        if (across + squared[z] > farthest[level]) farthest[level] = across + squared[z];
      }
    }
  }
  for (let level = 255; level >= 0; level -= 1) farthest[level] = Math.max(farthest[level], farthest[level + 1]);
  return farthest.map((each) => Math.sqrt(each) / size);
}

const COUNTER = [[0, 0], [1, 0], [1, 1], [0, 1]];
const CLOCKWISE = [[0, 0], [0, 1], [1, 1], [1, 0]];
const TRIANGLES = [0, 1, 2, 0, 2, 3];

/** One side of a cell: its axes, the way to the cell in front, and for each corner the ways to the cells beside that. */
function looks(axis, direction, strides) {
  const [u, v] = [(axis + 1) % 3, (axis + 2) % 3];
  const ring = (direction > 0 ? COUNTER : CLOCKWISE).map(([du, dv]) => (
    { du, dv, besideU: du ? strides[u] : -strides[u], besideV: dv ? strides[v] : -strides[v] }));
  return { axis, u, v, step: direction * strides[axis], ring };
}

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
