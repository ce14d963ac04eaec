# SPDX-License-Identifier: Apache-2.0
"""The program peer-time as an object: one JSON line out, one in (peer_time.c lists the requests)."""
import json
import math
import os
import subprocess
import tempfile


class Refused(Exception):
    """Our program does not support what was asked, in its own words."""


class Ours:
    def __init__(self, program, threads):
        self.process = subprocess.Popen([program, str(threads)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, what, **request):
        self.process.stdin.write(json.dumps({"do": what, **request}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"peer-time ended with status {self.process.wait()} while asked to {what}")
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer

    def time(self, part, repeat):
        return self.ask("time", part=part, repeat=repeat)

    def dump(self, numpy):
        """Every input and output of the current problem by name, as float32 arrays."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "dump")
            table = self.ask("dump", path=path)["tensors"]
            values = numpy.fromfile(path, dtype=numpy.float32)
        tensors, at = {}, 0
        for row in table:
            count = math.prod(row["shape"])
            tensors[row["name"]] = values[at:at + count].reshape(row["shape"])
            at += count
        if at != len(values):
            raise RuntimeError(f"a dump holds {len(values)} numbers where its table says {at}")
        return tensors

    def close(self):
        self.process.stdin.close()
        self.process.wait()
