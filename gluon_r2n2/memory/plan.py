"""Beside stage 8: a network and a training configuration -> the memory that an update takes, by what takes it.

A plan is computed from shapes alone, before anything is allocated. What it adds up is what MXNet holds at once under
`hybridize(static_alloc=True)`: every part of the network keeps the arrays of its forward and of its backward pass from
one update to the next. docs/memory.md holds plans beside measurements.
"""
from __future__ import annotations

import dataclasses
import math
from typing import Callable, Dict, List, NamedTuple, Tuple

import mxnet as mx
import numpy as np

from gluon_r2n2.losses import VoxelLoss
from gluon_r2n2.memory.graph import Activations, activations
from gluon_r2n2.training.adversarial.term import discriminator_of
from gluon_r2n2.training.config import TrainingConfig

MIB = 2**20
# What no array explains, as measured on the CPU: compiled kernels of oneDNN and objects of Python, and the gaps that
# arrays of changing sizes leave in the heap, as a share of all arrays
KERNELS, GAPS = 40 * MIB, 0.08
COLOURS = 3
OPTIMISER_ARRAYS = {"adamw": 2, "adam": 2, "sgd": 1}  # mean and variance; velocity
PASSES = 2  # through the discriminator that are kept at once: of the true grids, and of the network's


class Item(NamedTuple):
    """One line of a plan."""

    group: str  # parameters, encoder, recurrence, decoder, discriminator, work, data
    name: str
    size: int  # bytes


@dataclasses.dataclass(frozen=True)
class MemoryPlan:
    """The memory of one update, in bytes."""

    items: Tuple[Item, ...]  # on each device
    host: Tuple[Item, ...]  # in the machine's own memory
    devices: int
    on_cpu: bool  # the devices take their memory from the machine's
    case: str  # what it is a plan of, in words

    @property
    def device(self) -> int:
        """On each device."""
        return sum(item.size for item in self.items)

    @property
    def peak(self) -> int:
        """What a measurement would find: of the process where the devices are the CPU, else on one GPU."""
        return self.devices * self.device + sum(item.size for item in self.host) if self.on_cpu else self.device

    def group(self, name: str) -> int:
        """Bytes of one group of items on each device."""
        return sum(item.size for item in self.items if item.group == name)

    def table(self) -> str:
        """The plan as text, one line per item, in MiB."""
        lines = [f"memory plan, MiB: {self.case}"]
        for group in dict.fromkeys(item.group for item in self.items):
            lines.append(f"  {group:<44}{self.group(group) / MIB:>10.1f}")
            lines += [f"    {item.name:<42}{item.size / MIB:>10.1f}" for item in self.items if item.group == group]
        if self.devices > 1:
            lines.append(f"  {f'each of {self.devices} devices':<44}{self.device / MIB:>10.1f}")
        lines += [f"  {item.name:<44}{item.size / MIB:>10.1f}" for item in self.host]
        return "\n".join([*lines, f"  {'peak':<44}{self.peak / MIB:>10.1f}"])

    def beside(self, measured: int) -> str:
        """One line: the planned peak beside *measured* bytes."""
        return (f"memory: {self.peak / MIB:.0f} MiB planned, {measured / MIB:.0f} MiB measured at most "
                f"(plan {self.peak / max(1, measured) - 1:+.0%})")


def plan_training(net, config: TrainingConfig, *, devices: int = 1, on_cpu: bool = True,
                  prefetch: int = 4, share: int = 1) -> MemoryPlan:
    """Plan the update of *net* that takes the most memory, that with the most views.

    Args:
        net: a `gluon_r2n2.network.R2N2`, initialised or not; it is not changed.
        config: all numbers.
        devices: that every batch is shared by.
        on_cpu: whether they are the CPU, under several names if there are several.
        prefetch: batches that the loader prepares ahead.
        share: workers that every batch is shared by; the plan is of one of them.
    """
    views, objects = config.views[1], max(1, config.batch_size // (devices * config.accumulate * share))
    images = objects if config.recompute else views * objects  # through the encoder at once
    itemsize = np.dtype(config.dtype).itemsize
    layer_of, net_config = _layers(net), net.config
    state = (objects,) + net.state_shape
    gates = (objects,) + net.code_shape
    voxels = (objects,) + 3 * (net_config.resolution,)
    variable = mx.sym.var
    frozen = tuple(parameter.name for parameter in net.collect_params().values() if parameter.grad_req == "null")

    encoder = activations(net.encoder(variable("images")), layer_of, itemsize=itemsize, fixed=("images",) + frozen,
                          images=(images, COLOURS, net_config.input_size, net_config.input_size))
    cell = activations(net.cell(variable("gates"), variable("state")), layer_of, itemsize=itemsize, fixed=frozen,
                       gates=gates, state=state)
    decoder = activations(net.decoder(variable("state")), layer_of, itemsize=itemsize, fixed=frozen,
                          state=state)
    loss = activations(VoxelLoss()(variable("logits"), variable("voxels")), layer_of, fixed=("voxels",),
                       logits=(objects, 2) + voxels[1:], voxels=voxels)

    codes = views * objects * net.encoder.channels * itemsize
    # the projection's output and its parts by view, and the gradients of both
    gate_inputs = 4 * views * math.prod(gates) * itemsize
    pixels = COLOURS * config.image_size**2
    items = _of_parameters(net, config, devices)
    items += [Item("encoder", name, size) for name, size in encoder.layers.items()]
    items += _passing("encoder", encoder)
    items += [Item("recurrence", "codes of all views, and gradients", 2 * codes),
              Item("recurrence", "projection", gate_inputs),
              Item("recurrence", f"cell, {views} time{'s' * (views > 1)}",
                   views * (cell.kept + cell.passing + cell.backward))]
    items += [Item("decoder", name, size) for name, size in decoder.layers.items()]
    items += [Item("decoder", "loss", loss.kept + loss.passing + loss.backward), *_passing("decoder", decoder)]
    scratch = [encoder, decoder]
    if config.adversarial:
        discriminator = discriminator_of(net_config)
        judged = activations(discriminator(variable("grids")), _layers(discriminator), grids=voxels)
        scratch.append(judged)
        items += _of_discriminator(discriminator, judged, devices)
    # bytes as stored, and twice as numbers: before and after the division by 255
    items.append(Item("work", "images and voxels", views * objects * pixels * (1 + 4 + 4) + math.prod(voxels) * 5))
    items.append(Item("work", "scratch of the largest operator", _scratch(net, config, scratch)))
    if on_cpu:
        arrays = sum(item.size for item in items)
        items.append(Item("work", "kernels, gaps of the heap (about)", int(KERNELS / devices + GAPS * arrays)))
    batch = config.batch_size // share * (views * pixels + math.prod(voxels[1:]))
    host = (Item("data", f"loader, {prefetch} batches ahead", (prefetch + 2) * batch),)
    case = (f"{config.batch_size // share} objects with {views} view{'s' * (views > 1)}"
            + (f", {objects} at a time" if objects < config.batch_size // share else "")
            + (", recomputed" if config.recompute else ""))
    return MemoryPlan(tuple(items), host, devices, on_cpu, case)


def _of_parameters(net, config: TrainingConfig, devices: int) -> List[Item]:
    parameters = list(net.collect_params().values())
    numbers = sum(math.prod(parameter.shape) for parameter in parameters)
    learning = sum(math.prod(parameter.shape) for parameter in parameters if parameter.grad_req != "null")
    itemsize = np.dtype(config.dtype).itemsize
    items = [("parameters", 4 * numbers), ("gradients", 4 * learning),
             (f"optimiser, {config.optimizer}", 4 * learning * OPTIMISER_ARRAYS[config.optimizer]),
             ("moving average", 4 * learning if config.ema else 0),
             (f"copy in {config.dtype}, and gradients", itemsize * (numbers + learning) if itemsize < 4 else 0),
             ("exchange between devices", 4 * learning if devices > 1 else 0)]
    return [Item("parameters", name, size) for name, size in items if size]


def _of_discriminator(discriminator, part: Activations, devices: int) -> List[Item]:
    learning = sum(math.prod(parameter.shape) for parameter in discriminator.collect_params().values()
                   if parameter.grad_req != "null")
    # parameters, gradients, mean and variance, and what is exchanged between devices
    return [Item("discriminator", "parameters, gradients, optimiser", 4 * learning * (4 + (devices > 1))),
            Item("discriminator", "true and made grids",
                 PASSES * (part.kept + part.passing + part.backward))]


def _passing(group: str, part: Activations) -> List[Item]:
    return [Item(group, "arrays of the forward pass alone", part.passing),
            Item(group, "gradients of the arrays", part.backward)]


def _scratch(net, config: TrainingConfig, parts: List[Activations]) -> int:
    """Operators take it from one area in turn; a gradient that is added to another one is computed there first."""
    added = net if config.accumulate > 1 else net.encoder if config.recompute else None
    weights = [] if added is None else [math.prod(weight.shape) for weight in added.collect_params().values()]
    return max([4 * weight for weight in weights] + [part.scratch for part in parts])


def _layers(net) -> Callable[[str], str]:
    """A function that gives for the name of a node the place of its layer in the network, such as encoder.stages.0."""
    places: Dict[str, str] = {}

    def add(block, place: str, deeper: bool) -> None:
        places[block.prefix] = place
        for name, child in block._children.items():
            if deeper or name == "stages":
                add(child, f"{place}.{name}", name == "stages")

    for name, part in net._children.items():
        add(part, name, True)
    places[""] = "other"
    return lambda node: places[max((prefix for prefix in places if node.startswith(prefix)), key=len)]
