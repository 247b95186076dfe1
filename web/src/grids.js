// Packed grids of an object -> levels, truth and voxel counts. The format is written by page/grids.py.

/**
 * The grids of one object.
 *
 * levels: per view count a Uint8Array of size^3 cells in the order [x][y][z]; a cell of level n reaches the first n
 * edges, so it is occupied at edge i where its level is above i. truth: the same, 0 or 1.
 */
export class Grids {
  constructor(bytes, size, counts, edges) {
    const cells = size ** 3;
    if (bytes.length !== cells * (counts + 1)) {
      throw new Error(`packed grids hold ${bytes.length} bytes where ${cells * (counts + 1)} were announced`);
    }
    this.size = size;
    this.truth = bytes.subarray(0, cells);
    this.levels = [];
    for (let count = 0; count < counts; count += 1) {
      this.levels.push(bytes.subarray(cells * (count + 1), cells * (count + 2)));
    }
    this.histograms = this.levels.map((levels) => histogram(levels, this.truth, edges + 1));
  }

  /** Voxels that prediction and truth share, and voxels of either, for a view count and an edge. */
  voxelCounts(count, edge) {
    const { all, shared } = this.histograms[count];
    let predicted = 0;
    let intersection = 0;
    for (let level = edge + 1; level < all.length; level += 1) {
      predicted += all[level];
      intersection += shared[level];
    }
    const occupied = shared.reduce((sum, each) => sum + each, 0);
    return { intersection, union: predicted + occupied - intersection };
  }
}

/** Intersection over union; 1 where both are empty, as gluon_r2n2.metrics.iou has it. */
export function iou({ intersection, union }) {
  return union === 0 ? 1 : intersection / union;
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
}

/** Decode base64 of a zlib stream into Grids. */
export async function unpack(text, size, counts, edges) {
  const stream = new Blob([fromBase64(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Grids(new Uint8Array(await new Response(stream).arrayBuffer()), size, counts, edges);
}

function histogram(levels, truth, count) {
  const all = new Array(count).fill(0); // cells of each level
  const shared = new Array(count).fill(0); // those of them that are truly occupied
  for (let cell = 0; cell < levels.length; cell += 1) {
    all[levels[cell]] += 1;
    shared[levels[cell]] += truth[cell];
  }
  return { all, shared };
}
