"""Stage 8, the gradient at little memory: each view's code is kept, its feature maps are computed a second time.

The feature maps of the encoder are most of what a training step keeps for its backward pass, and they grow with the
number of views T. Here the encoder leaves the codes (T B, F) of all views, and the maps of the first alone; recurrence,
decoder and loss are recorded over these codes as leaves; then the first view's part of the gradient of the codes goes
backward through the encoder, and each other view is encoded again, recorded, for its part, so that the feature maps of
one view exist at a time:

    recomputation = Recomputation(net, images)
    with autograd.record():
        loss = ...recomputation.logits()
    loss.backward()
    recomputation.backward()

This is backpropagation through time to the letter, no approximation: sums over views are taken in another order, so
that gradients differ by rounding. With batch normalisation the encoder sees the statistics of one view's B images
where the plain pass takes those of all T B, and updates its running statistics once per view.

Source: Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016.
"""
from __future__ import annotations

import mxnet as mx
from mxnet import autograd

from gluon_r2n2.checks import check_images
from gluon_r2n2.training.arrays import STATISTICS, named_parameters


class Recomputation:
    """One pass of *net* over *images* (T, B, 3, S, S), float RGB in [0, 1], on one device.

    The encoder's parameters must add their gradients up (``grad_req="add"``): there is one per view.

    Raises:
        ModelError: images of another shape or type.
    """

    def __init__(self, net, images: mx.nd.NDArray):
        self._net, self._images = net, images
        with autograd.record():  # the check then waits for nothing
            check_images(images, net.config.input_size, net.cell.gates.weight.dtype)
        parameters = named_parameters(net.encoder)
        self._learns = any(parameter.grad_req != "null" for parameter in parameters.values())
        # the run that stays recorded is the one that updates the running statistics of batch normalisation
        running = [parameter.data(images.context) for name, parameter in parameters.items()
                   if name.endswith(STATISTICS)]
        before = [array.copy() for array in running]
        # recorded as well, though at once forgotten: a pass without recording has static memory of its own
        with autograd.record():
            others = [net.encoder(images[number]).detach() for number in range(1, len(images))]
        for array, values in zip(running, before):
            values.copyto(array)
        with autograd.record():
            self._first = net.encoder(images[0])  # (B, F)
        self._codes = mx.nd.concat(self._first.detach(), *others, dim=0)  # (T B, F)
        self._codes.attach_grad()

    def logits(self) -> mx.nd.NDArray:
        """What the network makes of the images, (B, 2, V, V, V); to be recorded."""
        views, batch = self._images.shape[:2]
        # the projection has the largest weight of all: one product for all views, and one gradient
        state = self._net.begin_state(batch, self._images.context)
        for gate_inputs in self._net.project(self._codes, views):
            state = self._net.absorb(gate_inputs, state)
        return self._net.decode(state)

    def backward(self) -> None:
        """Add to the encoder's gradients, after the backward pass of a function of `logits`."""
        if not self._learns:  # frozen: MXNet would find nothing to differentiate
            return
        views, batch = self._images.shape[:2]
        gradients = [self._codes.grad[number * batch:(number + 1) * batch] for number in range(views)]
        self._first.backward(gradients[0])
        for number in range(1, views):
            with autograd.record():
                codes = self._net.encoder(self._images[number])
            codes.backward(gradients[number])
