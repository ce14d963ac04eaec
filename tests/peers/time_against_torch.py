# SPDX-License-Identifier: Apache-2.0
"""Time attention and training steps against PyTorch: one run, both sides in turn.

    ninja -C build tests/peer-time && python3 tests/peers/time_against_torch.py

Installs PyTorch into a virtual environment in the build folder where it is not importable.
"""
import argparse
import datetime
import importlib.util
import os
import subprocess
import sys
import venv

WARM_UP_STEPS = 3  # also compared: the weights after them
SAMPLE_SECONDS = 0.02  # least length of a sample, so that clock and request do not count
UPDATE_TOLERANCE = 1e-3  # of how far weights went; a forgotten weight decay or another clipping gives 3e-3
NO_FLEX_BACKWARD = ("FlexAttention refuses the backward pass on CPUs in this version; what PyTorch has for a mask there "
                    "is SDPA with a dense mask, which computes all pairs.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="build folder of Meson, %(default)s")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of each side, %(default)s")
    parser.add_argument("--dtype", nargs="+", default=["f32"], choices=["f32", "bf16"])
    parser.add_argument("--kind", nargs="+", default=["attention", "decoder"], choices=["attention", "decoder"])
    parser.add_argument("--length", nargs="+", type=int, default=[1024, 4096], help="of attention, %(default)s")
    parser.add_argument("--heads", nargs="+", type=int, default=[8], help="of attention, %(default)s")
    parser.add_argument("--head-dim", nargs="+", type=int, default=[64, 128], help="of attention, %(default)s")
    parser.add_argument("--window", nargs="*", type=int, default=[256, 1024], help="sliding windows, %(default)s")
    parser.add_argument("--block", nargs="*", type=int, default=[64, 256], help="own blocks, %(default)s")
    parser.add_argument("--decoder", nargs="+", default=["12,512,4096,1024", "6,256,4096,1024"],
                        metavar="LAYERS,WIDTH,VOCAB,LENGTH", help="%(default)s")
    parser.add_argument("--seconds", type=float, default=3, help="of samples a row, %(default)s")
    parser.add_argument("--pairs", type=int, default=7, help="least pairs of samples a row, %(default)s")
    parser.add_argument("--output", default="results/peers/torch", help="%(default)s.md and .json")
    return parser.parse_args()


def ensure_torch(folder):
    """Go on in a virtual environment with PyTorch where this Python has none."""
    if importlib.util.find_spec("torch") and importlib.util.find_spec("numpy"):
        return
    if os.path.realpath(sys.prefix) == os.path.realpath(folder):
        sys.exit(f"{folder} has no working PyTorch; remove it and start again")
    venv.create(folder, with_pip=True)
    python = os.path.join(folder, "bin", "python3")
    subprocess.run([python, "-m", "pip", "install", "torch", "numpy"], check=True)
    os.execv(python, [python, *sys.argv])


def attention_requests(args):
    """(title, request) of every attention problem; masks that hide nothing are left out."""
    masks = [("full", "full", {}, None)]
    masks += [(f"window {w}", "sliding_window", {"window": w}, w) for w in args.window]
    masks += [(f"own block {b}", "block_sparse", {"block": b}, b) for b in args.block]
    for dtype in args.dtype:
        for length in args.length:
            for heads in args.heads:
                for dim in args.head_dim:
                    for name, variant, options, size in masks:
                        if size is None or size < length:
                            yield (f"{name}, L {length}, {heads} x {dim}, {dtype}",
                                   {"dtype": dtype, "length": length, "heads": heads, "kv_heads": heads,
                                    "head_dim": dim, "variant": variant, "options": options})


def decoder_requests(args):
    for dtype in args.dtype:
        for text in args.decoder:
            layers, width, vocab, length = (int(part) for part in text.split(","))
            yield (f"decoder, {layers} layers of {width}, vocabulary {vocab}, L {length}, {dtype}",
                   {"dtype": dtype, "length": length, "layers": layers, "width": width, "heads": width // 64,
                    "vocab": vocab, "learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8,
                    "weight_decay": 0.1, "clip": 1.0})


def measure(ours, theirs, part, args):
    """Interleaved samples of a part, after a warm-up that also sets the runs of a sample."""
    import peer_statistics
    import peer_torch

    def our_sample(repeat):
        seconds = ours.time(part, repeat)["seconds"]
        return seconds, seconds * repeat

    def their_sample(repeat):
        seconds = peer_torch.timed(lambda: theirs.run(part), repeat)
        return seconds, seconds * repeat

    repeats = []
    for sample in (our_sample, their_sample):
        sample(1)
        repeats.append(max(1, round(SAMPLE_SECONDS / sample(1)[0])))
    return peer_statistics.summary(peer_statistics.interleave(
        lambda: our_sample(repeats[0]), lambda: their_sample(repeats[1]), args.seconds, args.pairs))


def rows(ours, theirs, title, agreement, facts, args):
    """One row a part; without samples where the numbers disagree."""
    for part in theirs.parts:
        row = {"problem": title, "part": part, "peer": theirs.peer(part), "agreement": agreement, **facts}
        if agreement["agrees"]:
            row.update(measure(ours, theirs, part, args))
        yield row


def compare_attention(ours, title, request, args):
    import numpy
    import peer_torch
    facts = ours.ask("attention", **request)
    dump = ours.dump(numpy)
    theirs = peer_torch.Attention(request, dump)
    yield from rows(ours, theirs, title, theirs.check(dump), {"kernels": facts}, args)


def compare_decoder(ours, title, request, args):
    import numpy
    import peer_torch
    for compiled in (False, True):
        facts = ours.ask("decoder", **request)
        before = ours.dump(numpy)
        theirs = peer_torch.Decoder(request, before, facts["config"], compiled)
        agreement = theirs.check(before)
        ours.time("step", WARM_UP_STEPS)
        changes = theirs.check_steps(before, ours.dump(numpy), WARM_UP_STEPS)
        if agreement["agrees"] and request["dtype"] == "f32":  # in bf16 the noise is as large as small gradients
            updates = peer_torch.verdict(changes, UPDATE_TOLERANCE)
            agreement["updates"] = updates
            if not updates["agrees"]:
                agreement = updates
        yield from rows(ours, theirs, title, agreement, {"parameters": facts["parameters"]}, args)


def compare(ours, record, args):
    """Fill the record, written again after every row."""
    import peer_process
    import peer_report
    kinds = {"attention": (attention_requests, compare_attention), "decoder": (decoder_requests, compare_decoder)}
    for kind in args.kind:
        requests, compare_one = kinds[kind]
        for title, request in requests(args):
            try:
                for row in compare_one(ours, title, request, args):
                    record["rows"].append(row)
                    if row["peer"] == "SDPA, dense mask" and NO_FLEX_BACKWARD not in record["notes"]:
                        record["notes"].append(NO_FLEX_BACKWARD)
                    print(peer_report.line(row), flush=True)
                    peer_report.write(args.output, record)
            except peer_process.Refused as refusal:
                record["notes"].append(f"{title}: left out, {refusal}")
                print(record["notes"][-1], flush=True)
    peer_report.write(args.output, record)


def main():
    args = arguments()
    ensure_torch(os.path.join(args.build, "peer-environment"))
    # Before any OpenMP library is loaded, here and in our program: no thread spins while the other side runs.
    os.environ.update(OMP_WAIT_POLICY="passive", KMP_BLOCKTIME="0", OMP_NUM_THREADS=str(args.threads))
    import peer_process
    import torch
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    ours = peer_process.Ours(os.path.join(args.build, "tests", "peer-time"), args.threads)
    record = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
              "threads": args.threads, "load_at_start": os.getloadavg()[0],
              "ours": ours.ask("machine")["machine"],
              "theirs": {"version": torch.__version__, "build": torch.__config__.show()},
              "rows": [], "notes": []}
    try:
        compare(ours, record, args)
    finally:
        ours.close()
    return 0 if all("ratio" in row for row in record["rows"]) and record["rows"] else 1


if __name__ == "__main__":
    sys.exit(main())
