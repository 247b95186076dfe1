"""tools/reconstruct.py, its flags: one object, a batch of objects, a share of a batch, or the merging of shares."""
from __future__ import annotations

import argparse
from pathlib import Path

from gluon_r2n2.deployment import FOREGROUNDS, list_pretrained
from gluon_r2n2.deployment.engines.choosing import ENGINES, PRECISIONS
from gluon_r2n2.surfaces import SURFACES, UNITS
from gluon_r2n2_tools import cli
from gluon_r2n2_tools.results import FILES, format_list

FORMATS = FILES + ("png",)
EPILOG = """\
A folder that holds pictures is one object. A folder that holds folders of pictures is a batch: each of them is an
object, and so is every folder further down. The manifest of a batch is written when it is done; an interrupted one
goes on with --resume. Exit code 1 if an object or a picture of a batch could not be used.

examples:
  r2n2-reconstruct MODEL view1.png view2.jpg --out result   one object
  r2n2-reconstruct MODEL photos/ --out results              one, or one per folder in photos/
  r2n2-reconstruct MODEL photos/ --each-picture             one per picture
  r2n2-reconstruct MODEL --list objects.jsonl               lines {"id": "chair-1", "images": ["a.png", "b.png"]}
  r2n2-reconstruct MODEL photos/ --out part3 --shard 3/8    job 3 of 8 that a cluster runs independently, then
  r2n2-reconstruct --merge OUT part1 part2 ... part8        all parts to one folder with one manifest, checked
"""


class HelpFormatter(cli.HelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the epilog."""


def make_parser(description: str) -> cli.Parser:
    parser = cli.Parser(prog="r2n2-reconstruct", description=description, epilog=EPILOG, formatter_class=HelpFormatter)
    parser.add_argument("model", metavar="MODEL", type=Path, nargs="?",
                        help="exported model, run or checkpoint (a folder), or the name of a model that comes along: "
                             + ", ".join(list_pretrained()))
    parser.add_argument("images", metavar="IMAGE", nargs="*", type=Path,
                        help="picture of the object, any side, any size, with or without alpha; a folder of them; or a "
                             "folder of such folders, for a batch")
    _output_flags(parser.add_argument_group("output"))
    _surface_flags(parser.add_argument_group("surface"))
    _input_flags(parser.add_argument_group("input"))
    _batch_flags(parser.add_argument_group("batch"))
    _running_flags(parser.add_argument_group("running"))
    return parser


def _output_flags(group):
    group.add_argument("--out", metavar="DIR", type=Path, default=Path("reconstruction"), help="folder to write to")
    group.add_argument("--formats", metavar="LIST", type=format_list(FORMATS), default="glb,obj,ply,binvox,npz,png",
                       help=f"comma-separated, of {','.join(FORMATS)}")
    group.add_argument("--threshold", metavar="P", type=cli.probability, default=argparse.SUPPRESS,
                       help="probability from which on a voxel is solid (default: the model's own)")
    group.add_argument("--each-view", action="store_true", help="also write the reconstruction after each picture")
    group.add_argument("--check-views", action="store_true",
                       help="also reconstruct from each picture alone, and warn where they disagree: pictures of "
                            "different objects among one object's")


def _surface_flags(group):
    group.add_argument("--mesh", choices=SURFACES, default="marching",
                       help="smooth surface (marching cubes) or the voxels as cubes")
    group.add_argument("--smooth", metavar="N", type=cli.integer(0), default=0,
                       help="rounds of smoothing that keep the volume (Taubin); 10 take the steps away")
    group.add_argument("--faces", metavar="N", type=cli.positive_int, help="about N triangles (default: all)")
    group.add_argument("--height", metavar="L", type=cli.positive_float, help="of the object, in --units (default: the "
                       "voxel cube has the edge 1)")
    group.add_argument("--longest", metavar="L", type=cli.positive_float,
                       help="instead of --height: the longest side of the object, in --units")
    group.add_argument("--units", choices=UNITS, default="m",
                       help="of the length; GLB is written in metres and STL in millimetres in any case")
    group.add_argument("--ground", action="store_true", help="stand the object on the ground, at y = 0")
    group.add_argument("--colours", action="store_true",
                       help="colour the surface by the pictures (glb, obj and ply)")
    group.add_argument("--cameras", metavar="FILE", type=Path,
                       help="with --colours: the pictures' cameras as in rendering_metadata.txt, a line for each "
                            "(default: found by the object's outline)")


def _input_flags(group):
    group.add_argument("--foreground", choices=FOREGROUNDS, default="auto",
                       help="how the object is found: by the alpha channel, a plain background, a segmentation model "
                            "(see below), GrabCut; auto takes the first of these that finds one; none takes the "
                            "middle square as it is")
    group.add_argument("--segmentation-model", metavar="FILE", type=Path,
                       help="ONNX file of the U2-Net kind (default: u2net.onnx in $U2NET_HOME or ~/.u2net, where rembg "
                            "keeps it; never downloaded)")
    group.add_argument("--no-crop", action="store_true", help="take whole pictures, do not look for the object")


def _batch_flags(group):
    group.add_argument("--each-picture", action="store_true", help="every picture is an object of its own")
    group.add_argument("--list", metavar="FILE", type=Path,
                       help='instead of IMAGE: JSON lines {"id": NAME, "images": [FILE, ...]}, files relative to FILE')
    group.add_argument("--resume", action="store_true",
                       help="keep the objects in --out that are finished and made of the same pictures, model and "
                            "options")
    group.add_argument("--batch-size", metavar="N", type=cli.positive_int, default=8, help="objects computed at a time")
    group.add_argument("--shard", metavar="i/n", type=cli.job, default=None,
                       help="make part i of n, 1/n to n/n, into --out; for jobs that run independently")
    group.add_argument("--merge", metavar=("OUT", "PART"), type=Path, nargs="+",
                       help="make the batch OUT of all parts that --shard wrote; hard links where possible")


def _running_flags(group):
    group.add_argument("--engine", choices=ENGINES, default=None, help="what computes the network (default: the best "
                       "installed one that can run the model)")
    group.add_argument("--precision", choices=PRECISIONS, default="float32", help="bfloat16: with openvino only")
    group.add_argument("--threads", metavar="N", type=cli.positive_int, default=None,
                       help="of the processor, for the network (default: the engine's choice)")
    group.add_argument("--workers", metavar="N", type=cli.positive_int, default=cli.available_cpus(),
                       help="threads that read and prepare the pictures of a batch; the output is the same for any "
                            "number")
    group.add_argument("--gpus", metavar="N", default=None, help="number of the GPU to run on (default: the CPU)")


def parse(description: str, argv=None) -> argparse.Namespace:
    """Parse, and refuse what does not go together."""
    parser = make_parser(description)
    options = parser.parse_args(argv)
    if options.merge:
        if options.model or options.list or options.shard or len(options.merge) < 2:
            parser.error("--merge OUT PART [PART ...] stands alone, with the output first and at least one part")
    elif options.model is None or not (options.images or options.list):
        parser.error(f"the following arguments are required: {'IMAGE' if options.model else 'MODEL, IMAGE'}")
    if options.list and (options.images or options.each_picture):
        parser.error("--list FILE names all pictures; leave IMAGE and --each-picture out")
    if options.cameras and not options.colours:
        parser.error("--cameras says where to take the colours from; give --colours too")
    if options.foreground == "none" and options.segmentation_model or options.no_crop and options.foreground != "auto":
        parser.error("--no-crop and --foreground none look for no object; leave the other flag out")
    return options
