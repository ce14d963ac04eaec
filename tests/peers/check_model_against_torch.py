# SPDX-License-Identifier: Apache-2.0
"""Hold the decoder's losses and gradients against PyTorch, written here from the formulas alone.

    dump_model FOLDER && python3 check_model_against_torch.py FOLDER

Needs torch and safetensors; neither is needed by the project. Computes in float64.
"""
import glob
import json
import math
import sys

import torch
import torch.nn.functional as F


def norm(x, w, name, c):
    if c["layernorm"]:
        return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], c["epsilon"])
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + c["epsilon"]) * w[name + ".weight"]


def linear(x, w, name):
    return F.linear(x, w[name + ".weight"], w.get(name + ".bias"))


def rotary_table(length, c, dtype):  # cosines and sines, [T, 1, D / 2]
    half = c["head_dim"] // 2
    angle = torch.arange(length, dtype=dtype)[:, None] * c["theta"] ** (
        -torch.arange(half, dtype=dtype) * 2 / c["head_dim"])
    return angle.cos()[:, None], angle.sin()[:, None]


def rotate(x, table):  # [B, T, H, D]
    a, b = x.chunk(2, -1)
    cos, sin = table
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


def attend(q, k, v, sinks, c, full):
    """Attention from its formula: q, k, v and the result are [B, T, H, D], sinks [Hq] or None."""
    batch, length, hq, d = q.shape
    group = hq // k.shape[2]
    k, v = k.repeat_interleave(group, 2), v.repeat_interleave(group, 2)
    s = torch.einsum("bihd,bjhd->bhij", q, k) / math.sqrt(d)
    if c["softcap"]:
        s = c["softcap"] * torch.tanh(s / c["softcap"])
    i, j = torch.arange(length)[:, None], torch.arange(length)[None]
    seen = (j <= i) if full else (j <= i) & (j > i - c["window"])
    s = s.masked_fill(~seen, -math.inf)
    if sinks is not None:
        s = torch.cat((s, sinks.view(1, hq, 1, 1).expand(batch, hq, length, 1)), -1)
    return torch.einsum("bhij,bjhd->bihd", s.softmax(-1)[..., :length], v)


def attention(x, w, name, c, full, table, attend):
    batch, length, _ = x.shape
    hq, hk, d = c["heads"], c["kv_heads"], c["head_dim"]
    q, k, v = linear(x, w, name + ".qkv").split((hq * d, hk * d, hk * d), -1)
    q, k, v = q.view(batch, length, hq, d), k.view(batch, length, hk, d), v.view(batch, length, hk, d)
    if c["rope"] and (c["full_positions"] or not full):
        q, k = rotate(q, table), rotate(k, table)
    o = attend(q, k, v, w.get(name + ".sinks"), c, full)
    return linear(o.reshape(batch, length, hq * d), w, name + ".out")


def mlp(x, w, name, c):
    x = linear(x, w, name + ".in")
    if c["swiglu"]:
        gate, up = x.chunk(2, -1)
        x = F.silu(gate) * up
    else:
        x = F.gelu(x, approximate="tanh")
    return linear(x, w, name + ".out")


def losses(tokens, targets, w, c, attend=attend):
    """Loss of every token. The layers in c["full_layers"] see all, the others a window."""
    x = w["embedding.weight"][tokens]
    table = rotary_table(tokens.shape[1], c, x.dtype)
    if "positions.weight" in w:
        x = x + w["positions.weight"][: tokens.shape[1]]
    for i in range(c["layers"]):
        a, m = f"layers.{i}.attention", f"layers.{i}.mlp"
        x = x + attention(norm(x, w, a + ".norm", c), w, a, c, i in c["full_layers"], table, attend)
        x = x + mlp(norm(x, w, m + ".norm", c), w, m, c)
    x = norm(x, w, "norm", c)
    logits = x @ w.get("unembedding.weight", w["embedding.weight"]).T
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="none")


def main(folder):
    from safetensors.torch import load_file  # here: who times with these formulas does without
    bad = 0
    files = sorted(glob.glob(folder + "/*.json"))
    for path in files:
        c = json.load(open(path, encoding="utf-8"))
        w = {k: v.double().requires_grad_() for k, v in load_file(path[:-5] + ".safetensors").items()}
        g = load_file(path[:-5] + ".gradients.safetensors")
        expected = torch.tensor(c["losses"], dtype=torch.float64)
        shape = (3, len(c["tokens"]) // 3)
        loss = losses(torch.tensor(c["tokens"]).view(shape), torch.tensor(c["targets"]).view(shape), w, c)
        (loss.sum() * c["grad_scale"]).backward()
        worst = (loss - expected).abs().max().item()
        print(f"{path}: worst loss error {worst:.2e}")
        bad += worst > 1e-5
        for name, t in w.items():
            error = (t.grad - g[name].double()).norm() / t.grad.norm()
            if error > 2e-5:
                print(f"  gradient of {name}: relative error {error:.2e}")
                bad += 1
    print("failed" if bad or not files else "agrees")
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
