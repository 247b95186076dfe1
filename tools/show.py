"""Draw voxels and meshes, predictions beside truth, to a PNG picture, a contact sheet or a turning GIF."""
from __future__ import annotations

import logging
import sys
from itertools import zip_longest
from typing import List

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from tqdm import tqdm

from gluon_r2n2_tools import cli, legends, pictures
from gluon_r2n2_tools.animation import MAX_SIDE, encode_gif
from gluon_r2n2_tools.show_files import find_items, find_truths
from gluon_r2n2_tools.show_object import Drawn, draw_object
from gluon_r2n2_tools.show_options import ROW, check, check_size, parse
from recordio.errors import DataError
from recordio.files import atomic_file
from recordio.layouts import encode_png

INCOMPLETE = 2  # exit code where a file could not be drawn


def run(argv=None) -> int:
    options = parse(argv, __doc__)
    logging.getLogger("trimesh").setLevel(logging.WARNING)  # it tells of every polygon
    check(options)
    items = find_items(options.files)
    if options.truth:
        truths = find_items([options.truth])
        if len(items) != 1 or len(truths) != 1:
            raise DataError(f"--truth {options.truth}: one truth of one FILE is wanted, got {len(truths)} of "
                            f"{len(items)}; give --truth-dir for many")
        items = [items[0]._replace(truth=truths[0].path)]
    elif options.truth_dir:
        items = find_truths(items, options.truth_dir)
    check_size(options, len(items))
    drawn = draw_all(items, options)
    single = len(items) == 1
    frames = compose(drawn, options, single)
    is_gif, (height, width) = options.out.suffix.lower() == ".gif", frames[0].shape[:2]
    if is_gif and max(height, width) > MAX_SIDE:
        raise DataError(f"--columns: {width} x {height} pixels are more than the {MAX_SIDE} a side that a GIF can "
                        f"have; give more or fewer, or fewer files")
    data = encode_gif(frames, fps=options.fps) if is_gif else encode_png(frames[0])
    with atomic_file(options.out) as handle:
        handle.write(data)
    print(f"wrote {options.out}  ({width} x {height} pixels, {f'{len(frames)} frames, ' * is_gif}"
          f"{len(data) / 1000:,.0f} kB)")
    if len(drawn) < len(items):
        print(f"{len(items) - len(drawn)} of {len(items)} files could not be drawn", file=sys.stderr)
        return INCOMPLETE
    return 0


def draw_all(items, options) -> List[Drawn]:
    """Draw every item, naming those that cannot be.

    Raises:
        DataError: the only one cannot be, or none.
        OSError: the only one cannot be read.
    """
    drawn = []
    with tqdm(items, unit="object", disable=None) as bar:
        for item in bar:
            try:
                drawn.append(draw_object(item, options))
            except (DataError, OSError) as error:
                if len(items) == 1:
                    raise
                reason = cli.explain_os_error(error) if isinstance(error, OSError) else error
                bar.write(f"not drawn: {reason}", file=sys.stderr)
                continue
            bar.write(f"{item.name}: {drawn[-1].words}")
            for warning in drawn[-1].warnings:
                bar.write(f"WARNING: {warning}", file=sys.stderr)
    if not drawn:
        raise DataError(f"none of the {len(items)} files can be drawn; nothing is written")
    return drawn


def compose(drawn, options, single):
    """Arrange what was drawn: a list of (H, W, 3 or 4) uint8 frames, one for a still."""
    text = max(12, min(28, options.size // 18))  # pixels, height of the letters
    ink = pictures.ink(options.background)
    legend = None
    if options.difference:
        legend = legends.colour_keys(legends.DIFFERENCE, ink, text)
    elif options.confidence:
        legend = legends.colour_bar(ink, text)
    rows = drawn[0].rows
    if single and legend is None and len(rows) == len(rows[0]) == 1:  # one picture needs no label
        return [pictures.on_canvas(frame, options.background) for frame in rows[0][0][1]]
    rows = arrange([each.rows for each in drawn], options.columns)
    count = max(len(entry[1]) for row in rows for entry in row if entry)
    return [pictures.sheet([[entry and (entry[0], entry[1][frame]) for entry in row] for row in rows], text=text,
                           tile=options.size, background=options.background, legend=legend) for frame in range(count)]


def arrange(objects, columns):
    """Objects, rows of tiles each, -> the rows of a sheet with *columns* objects beside each other, None for gaps."""
    width = max(len(row) for rows in objects for row in rows)
    columns = columns or max(1, ROW // width)
    sheet = []
    for start in range(0, len(objects), columns):
        for together in zip_longest(*objects[start:start + columns], fillvalue=()):
            sheet.append([entry for row in together for entry in [*row, *[None] * (width - len(row))]])
    return sheet


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
