# SPDX-License-Identifier: Apache-2.0
"""Interleaved samples of two sides and what can be said about their ratio."""
import random
import statistics

BOOTSTRAPS = 2000
CONFIDENCE = 0.95


def interleave(ours, theirs, seconds, least):
    """Call both sides in turn (ours, theirs, theirs, ours, ...), each call one sample in seconds.

    Ends after `seconds`, but not before `least` samples of each."""
    samples = {"ours": [], "theirs": []}
    spent = 0.0
    while len(samples["ours"]) < least or spent < seconds:
        pair = [("ours", ours), ("theirs", theirs)]
        if len(samples["ours"]) % 2:
            pair.reverse()
        for name, run in pair:
            run_seconds, wall = run()
            samples[name].append(run_seconds)
            spent += wall
    return samples


def quartiles(values):
    return statistics.quantiles(values, n=4, method="inclusive")


def ratio(samples, seed=1):
    """Median of theirs over median of ours, with a bootstrap interval that resamples pairs."""
    ours, theirs = samples["ours"], samples["theirs"]
    draw = random.Random(seed)
    drawn = []
    for _ in range(BOOTSTRAPS):
        pick = draw.choices(range(len(ours)), k=len(ours))
        drawn.append(statistics.median(theirs[i] for i in pick) / statistics.median(ours[i] for i in pick))
    drawn.sort()
    tail = (1 - CONFIDENCE) / 2
    return {"value": statistics.median(theirs) / statistics.median(ours),
            "low": drawn[int(tail * BOOTSTRAPS)],
            "high": drawn[int((1 - tail) * BOOTSTRAPS) - 1]}


def summary(samples):
    low, median, high = {}, {}, {}
    for side, values in samples.items():
        low[side], median[side], high[side] = quartiles(values)
    return {"pairs": len(samples["ours"]), "median_s": median, "lower_quartile_s": low,
            "upper_quartile_s": high, "ratio": ratio(samples), "samples_s": samples}
