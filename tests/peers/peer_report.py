# SPDX-License-Identifier: Apache-2.0
"""A comparison as a Markdown table and as JSON."""
import json
import os

GOAL = 3.0


def milliseconds(row, side):
    return (f"{1e3 * row['median_s'][side]:.2f} "
            f"({1e3 * row['lower_quartile_s'][side]:.2f} to {1e3 * row['upper_quartile_s'][side]:.2f})")


def line(row):
    agreement = row["agreement"]
    error = f"{agreement['relative_error']:.1e} of {agreement['tolerance']:.0e} ({agreement['max_abs_error']:.1e})"
    start = f"| {row['problem']} | {row['part']} | {row['peer']} | "
    if "ratio" not in row:
        return start + f"not timed | not timed | the numbers disagree: {agreement['worst']} | {error} |"
    r = row["ratio"]
    return start + (f"{milliseconds(row, 'ours')} | {milliseconds(row, 'theirs')} | "
                    f"{r['value']:.2f} ({r['low']:.2f} to {r['high']:.2f}) | {error} |")


def summary(rows):
    timed = [row for row in rows if "ratio" in row]
    if not timed:
        return "Nothing was timed."
    reached = sum(row["ratio"]["value"] >= GOAL for row in timed)
    worst = min(timed, key=lambda row: row["ratio"]["value"])
    return (f"Goal: {GOAL:g} times PyTorch's rate. Reached in {reached} of {len(timed)} rows; the least ratio is "
            f"{worst['ratio']['value']:.2f} ({worst['problem']}, {worst['part']}, {worst['peer']}).")


def markdown(record):
    ours, theirs = record["ours"], record["theirs"]
    dirty = " with changes" if ours["git_dirty"] else ""
    text = [
        "# masbench and PyTorch, the same problems in one run", "",
        f"{record['date']}; {ours['cpu']}, {ours['isa']}, {record['threads']} threads each; load of the machine at "
        f"the start {record['load_at_start']:.1f}.",
        f"Ours: commit {ours['git_commit']}{dirty}, {ours['compiler']} {ours['flags']}, {ours['matmul_library']}. "
        f"Theirs: PyTorch {theirs['version']}.", "",
        summary(record["rows"]), "",
        "Milliseconds of one run: median and quartiles of interleaved samples. Ratio: theirs / ours of the medians, with "
        "a 95 % bootstrap interval over the pairs. Numbers: relative error between both results, the tolerance, and the "
        "largest absolute difference; where they disagree nothing is timed.", "",
        "| problem | part | PyTorch runs | ours ms | theirs ms | theirs / ours | numbers |", "|---|---|---|---|---|---|---|",
        *(line(row) for row in record["rows"])]
    if record["notes"]:
        text += ["", *(f"- {note}" for note in record["notes"])]
    return "\n".join(text) + "\n"


def write(path, record):
    """path.json and path.md"""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path + ".json", "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1)
        file.write("\n")
    with open(path + ".md", "w", encoding="utf-8") as file:
        file.write(markdown(record))
