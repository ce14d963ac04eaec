# SPDX-License-Identifier: Apache-2.0
"""Time PyTorch's attention on a GPU on the problems of experiments/gpu_attention.yaml, except bigbird's, beside ours.

    python3 tests/peers/time_against_torch_gpu.py

Causal attention through SDPA by cuDNN and by FlashAttention-2; windows and own blocks through FlexAttention, compiled.
Prints TFLOP/s by the same count of visible pairs that masbench uses (backward: 2.5 times the forward's FLOPs).
"""
import math

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

SAMPLES = 20
SAMPLE_MILLISECONDS = 5
LAUNCH_CYCLES = 400_000  # of the GPU, while Python starts a run, which may take longer than the run itself
WINDOW = BLOCK = 1024


def sample(work, runs):
    """Milliseconds of one of that many runs, all started while the GPU was held back."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda._sleep(runs * LAUNCH_CYCLES)
    begin.record()
    for _ in range(runs):
        work()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / runs


def milliseconds(work):
    sample(work, 3)
    runs = math.ceil(SAMPLE_MILLISECONDS / sample(work, 3))
    return sorted(sample(work, runs) for _ in range(SAMPLES))[SAMPLES // 2]


def rates(title, call, heads, length, dim, pairs):
    q, k, v = (torch.randn(1, heads, length, dim, device="cuda", dtype=torch.bfloat16, requires_grad=True)
               for _ in range(3))
    try:
        out = call(q, k, v)
        grad = torch.randn_like(out)
        forward = milliseconds(lambda: call(q, k, v))
        backward = milliseconds(lambda: torch.autograd.grad(out, (q, k, v), grad, retain_graph=True))
    except RuntimeError as error:
        print(f"{title:24} L {length:6} D {dim:4}  refused: {str(error).splitlines()[0][:80]}", flush=True)
        return
    flops = 4.0 * pairs * heads * dim
    print(f"{title:24} L {length:6} D {dim:4}  forward {flops / forward / 1e9:6.0f} TFLOP/s {forward:7.3f} ms   "
          f"backward {2.5 * flops / backward / 1e9:6.0f} TFLOP/s {backward:7.3f} ms", flush=True)


def flex(sees, length):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    mask = create_block_mask(sees, None, None, length, length, device="cuda")
    compiled = torch.compile(flex_attention)
    return lambda q, k, v: compiled(q, k, v, block_mask=mask)


def sdpa(backend):
    def call(q, k, v):
        with sdpa_kernel(backend):
            return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return call


def main():
    print(torch.cuda.get_device_name(0), "PyTorch", torch.__version__, "cuDNN", torch.backends.cudnn.version(),
          flush=True)
    for dim, heads in ((64, 32), (128, 16)):
        for length in (2048, 8192):
            causal = length * (length + 1) // 2
            window = WINDOW * (WINDOW + 1) // 2 + (length - WINDOW) * WINDOW
            blocks = length // BLOCK * (BLOCK * (BLOCK + 1) // 2)
            rates("causal, cuDNN", sdpa(SDPBackend.CUDNN_ATTENTION), heads, length, dim, causal)
            rates("causal, FlashAttention-2", sdpa(SDPBackend.FLASH_ATTENTION), heads, length, dim, causal)
            rates(f"window {WINDOW}, Flex", flex(lambda b, h, q, k: (q >= k) & (q - k < WINDOW), length), heads, length,
                  dim, window)
            rates(f"own block {BLOCK}, Flex", flex(lambda b, h, q, k: (q >= k) & (q // BLOCK == k // BLOCK), length), heads,
                  length, dim, blocks)


if __name__ == "__main__":
    main()
