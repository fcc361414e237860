# SPDX-License-Identifier: Apache-2.0
"""Engines as processes that are measured in turn: round after round A, B, C, A, B, C, …, those whose turn it isn't stopped."""
import array
import json
import math
import os
import pathlib
import signal
import statistics
import subprocess
import time


def quietest_core(cores):
    """The one of `cores` that did least in the last quarter of a second."""

    def busy():
        lines = pathlib.Path("/proc/stat").read_text().splitlines()
        fields = {line.split()[0]: list(map(int, line.split()[1:9])) for line in lines if line.startswith("cpu")}
        return {core: sum(fields[f"cpu{core}"]) - fields[f"cpu{core}"][3] - fields[f"cpu{core}"][4] for core in cores}

    before = busy()
    time.sleep(0.25)
    after = busy()
    return min(cores, key=lambda core: after[core] - before[core])


def status(process, key):
    """A number of /proc/PID/status."""
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def first_line(command, cores, environment, data=b""):
    """Starts a program, gives it `data` on standard input, which stays open, and waits for its first line: (that line, ms until then, the most
    memory that it had in use until then in MB). It is killed then."""
    ours = os.sched_getaffinity(0)
    # The child inherits the cores: a preexec_fn would make Python copy itself first, some 3 ms that aren't the program's.
    os.sched_setaffinity(0, cores)
    started = time.perf_counter()
    try:
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | (environment or {}))
    finally:
        os.sched_setaffinity(0, ours)
    try:
        process.stdin.write(data)
        process.stdin.flush()
        line = process.stdout.readline()
        milliseconds = 1e3 * (time.perf_counter() - started)
        if not line:
            raise RuntimeError(f"{command[0]} ended: {process.stderr.read().decode().strip()}")
        return line.decode(), milliseconds, status(process, "VmHWM") / 1024
    finally:
        process.kill()
        process.communicate()


class Worker:
    """A process that obeys lines, started on `cores`. It is stopped except while it does what it is told."""

    def __init__(self, name, command, cores, environment=None):
        self.name, self.rounds = name, []
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | (environment or {}), preexec_fn=lambda: os.sched_setaffinity(0, cores))
        try:
            self.ready = self.answer()
        except RuntimeError:
            self.end()
            raise
        self.process.send_signal(signal.SIGSTOP)

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            reason = self.process.stderr.read().strip().splitlines()
            raise RuntimeError(f"{self.name} ended: {reason[-1] if reason else 'it said nothing'}")
        return json.loads(line)

    def tell(self, command):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        result = self.answer()
        self.process.send_signal(signal.SIGSTOP)
        return result

    def end(self):
        self.process.kill()
        self.process.communicate()


def interleaved(workers, rounds, seconds):
    """Each worker's answers to `run`, by round, after one that doesn't count. Whoever ends on the way is taken off the list: returns why, by name."""
    ended = {}

    def tell(worker, command):
        try:
            return worker.tell(command)
        except (RuntimeError, BrokenPipeError) as error:
            ended[worker.name] = str(error)
            workers.remove(worker)
            worker.end()

    for worker in list(workers):
        tell(worker, f"run {min(seconds, 0.2)}")
    for _ in range(rounds):
        for worker in list(workers):
            if answer := tell(worker, f"run {seconds}"):
                worker.rounds.append(answer)
    return ended


def floats(path):
    """The float32 numbers of a NumPy file."""
    data = pathlib.Path(path).read_bytes()
    start = 10 + int.from_bytes(data[8:10], "little")
    if b"'<f4'" not in data[:start]:
        raise ValueError(f"{path} holds no float32")
    return array.array("f", data[start:])


def signal_to_noise(found, reference):
    """In dB; None where the results have nothing in common to compare."""
    if len(found) != len(reference) or not all(map(math.isfinite, found)):
        return None
    mean = math.fsum(reference) / len(reference)
    spread = math.fsum((value - mean) ** 2 for value in reference)
    error = math.fsum((a - b) ** 2 for a, b in zip(found, reference))
    return 10 * math.log10(max(spread, 1e-30) / max(error, 1e-30))


def summary(times_by_round):
    """Of the times of the runs of each round, in ms."""
    medians = [statistics.median(times) for times in times_by_round]
    return {"median": statistics.median(medians), "min": min(map(min, times_by_round)), "round_medians": medians,
            "round_minima": [min(times) for times in times_by_round]}


def ratio(ours, peers):
    """Ours ÷ the peer with the shortest median, round by round: the median of that, of the same with minima, and which peer."""
    fastest = min(peers, key=lambda name: peers[name]["median"])

    def middle(key):
        return statistics.median(a / b for a, b in zip(ours[key], peers[fastest][key]))

    return {"fastest": fastest, "median": middle("round_medians"), "minima": middle("round_minima")}
