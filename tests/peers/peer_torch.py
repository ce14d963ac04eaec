# SPDX-License-Identifier: Apache-2.0
"""The same problems in PyTorch, on the inputs that our program drew.

A side has `run(part)`, which runs a part once, `peer(part)`, which names what PyTorch runs there, and
`check(dump)`, which compares everything that both sides compute.
"""
import functools
import math
import time

import torch
import torch.nn.functional as F
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

import check_model_against_torch as model

FLEX_BLOCKS = (32, 64, 128)
FLEX_TRIALS = 4  # the first one compiles
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def difference(ours, theirs):
    """Relative error in the Euclidean norm and largest absolute difference."""
    ours, theirs = torch.as_tensor(ours).double(), theirs.detach().double()
    gap = ours - theirs
    return (gap.norm() / theirs.norm()).item(), gap.abs().max().item()


def verdict(differences, tolerance):
    """The worst of named differences against the tolerance of its relative error."""
    name = max(differences, key=lambda key: differences[key][0])
    error = differences[name][0]
    return {"worst": name, "relative_error": error, "tolerance": tolerance,
            "max_abs_error": max(gap for _, gap in differences.values()),
            "agrees": error <= tolerance}  # NaN does not


def timed(run, repeat):
    begin = time.perf_counter()
    for _ in range(repeat):
        run()
    return (time.perf_counter() - begin) / repeat


@functools.cache
def flex_has_backward():
    """Does FlexAttention train on the CPU in this version? Asked of PyTorch, on a tiny problem."""
    q, k, v = (torch.zeros(1, 1, 128, 64, requires_grad=True) for _ in range(3))
    try:
        torch.compile(flex_attention, dynamic=False)(q, k, v).sum().backward()
    except NotImplementedError:
        return False
    return True


class Attention:
    """Full attention through SDPA with is_causal, masks through compiled FlexAttention. Where that
    has no backward, as on CPUs so far, theirs is the backward of SDPA with a dense mask."""

    parts = ("forward", "backward")
    # Of the relative error between two results that both round: f32 sums of up to 8192 terms; bf16
    # rounds every probability and output, 2^-9 each, several times on the way to a gradient.
    tolerance = {"f32": 1e-5, "bf16": 2e-2}

    def __init__(self, request, dump):
        self.dtype = request["dtype"]
        to_torch = {name: torch.from_numpy(dump[name]).to(DTYPES[self.dtype]).transpose(0, 1)[None].contiguous()
                    for name in ("q", "k", "v", "d_o")}
        self.d_o = to_torch.pop("d_o")
        self.inputs = [t.requires_grad_() for t in to_torch.values()]
        self.detached = [t.detach() for t in self.inputs]
        length = request["length"]
        self.sees = self.mask(request)
        self.flex = self.block_mask = self.dense_mask = self.flex_block = None
        self.flex_backward = flex_has_backward()
        if self.sees:
            self.choose_flex(length)
            i = torch.arange(length)
            self.dense_mask = self.sees(0, 0, i[:, None], i[None])
        self.o = self.differentiable()

    @staticmethod
    def mask(request):
        options = request["options"]
        if request["variant"] == "sliding_window":
            return lambda b, h, i, j: (j <= i) & (i - j < options["window"])
        if request["variant"] == "block_sparse":
            return lambda b, h, i, j: (j <= i) & (i // options["block"] == j // options["block"])
        return None

    def choose_flex(self, length):
        """FlexAttention with the block size that is fastest here, since it skips whole blocks only."""
        torch.compiler.reset()
        best = math.inf
        for block in FLEX_BLOCKS:
            flex = torch.compile(flex_attention, dynamic=False, fullgraph=True)  # never the slow eager one
            block_mask = create_block_mask(self.sees, None, None, length, length, device="cpu", BLOCK_SIZE=block)
            with torch.no_grad():
                seconds = [timed(lambda: flex(*self.detached, block_mask=block_mask), 1)
                           for _ in range(FLEX_TRIALS)]
            if min(seconds) < best:
                best, self.flex, self.block_mask, self.flex_block = min(seconds), flex, block_mask, block

    def differentiable(self):
        if self.sees and self.flex_backward:
            return self.flex(*self.inputs, block_mask=self.block_mask)
        return F.scaled_dot_product_attention(*self.inputs, attn_mask=self.dense_mask,
                                              is_causal=self.dense_mask is None)

    def run(self, part):
        if part == "backward":
            return torch.autograd.grad(self.o, self.inputs, self.d_o, retain_graph=True)
        with torch.no_grad():
            if self.flex:
                return self.flex(*self.detached, block_mask=self.block_mask)
            return F.scaled_dot_product_attention(*self.detached, is_causal=True)

    def peer(self, part):
        if not self.sees:
            return "SDPA, is_causal"
        if part == "forward" or self.flex_backward:
            return f"FlexAttention, compiled, blocks of {self.flex_block}"
        return "SDPA, dense mask"

    def check(self, dump):
        results = dict(zip(("o", "d_q", "d_k", "d_v"), (self.run("forward"), *self.run("backward"))))
        return verdict({name: difference(dump[name], t[0].transpose(0, 1)) for name, t in results.items()},
                       self.tolerance[self.dtype])


def sdpa(q, k, v, sinks, c, full):
    if sinks is not None or c["softcap"] or not full:
        raise NotImplementedError("only plain full attention has one function in PyTorch")
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True).transpose(1, 2)


class Decoder:
    """One training step: gradients, clipping by their norm, AdamW (fused). bf16 is autocast."""

    parts = ("step",)
    # Of losses and gradients after one pass; a dozen layers of rounding lie between two gradients.
    tolerance = {"f32": 1e-4, "bf16": 5e-2}

    def __init__(self, request, dump, config, compiled):
        self.request, self.compiled = request, compiled
        self.config = dict(config, full_layers=range(config["layers"]))
        self.weights = {name.removeprefix("weight:"): torch.from_numpy(t.copy()).requires_grad_()
                        for name, t in dump.items() if name.startswith("weight:")}
        self.tokens = torch.from_numpy(dump["tokens"]).long()[None]
        self.targets = torch.from_numpy(dump["targets"]).long()[None]
        torch.compiler.reset()
        self.losses = torch.compile(model.losses, dynamic=False, fullgraph=True) if compiled else model.losses
        self.optimiser = self.adamw()

    def adamw(self):
        r, weights = self.request, self.weights.values()
        groups = [{"params": [t for t in weights if t.dim() == 2], "weight_decay": r["weight_decay"]},
                  {"params": [t for t in weights if t.dim() == 1], "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=r["learning_rate"], betas=(r["beta1"], r["beta2"]),
                                 eps=r["epsilon"], fused=True)

    def gradient(self):
        self.optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.request["dtype"] == "bf16"):
            losses = self.losses(self.tokens, self.targets, self.weights, self.config, sdpa)
        losses.mean().backward()
        return losses

    def run(self, part):
        losses = self.gradient()
        torch.nn.utils.clip_grad_norm_(self.weights.values(), self.request["clip"])
        self.optimiser.step()
        return losses

    def peer(self, part):
        return "compiled" if self.compiled else "eager"

    def check(self, dump):
        differences = {"losses": difference(dump["losses"], self.gradient())}
        for name, t in self.weights.items():
            differences["gradient of " + name] = difference(dump["gradient:" + name], t.grad)
        return verdict(differences, self.tolerance[self.request["dtype"]])

    def check_steps(self, before, after, steps):
        """The same number of steps from the same weights: compare how far each weight went."""
        for _ in range(steps):
            self.run("step")
        differences = {}
        for name, t in self.weights.items():
            start = torch.from_numpy(before["weight:" + name])
            differences["change of " + name] = difference(
                torch.from_numpy(after["weight:" + name]) - start, t.detach() - start)
        return differences
