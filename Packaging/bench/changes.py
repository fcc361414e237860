# SPDX-License-Identifier: Apache-2.0
"""What becomes of frames when link or server change under way: a link that narrows a hundredfold, one that goes dead, a server ten times as slow, one that is killed."""
import signal
import statistics
import threading
import time

from bench.comparison import repeated
from bench.figures import quantile
from bench.processes import Stalled, say

# Each change lasts for a block of frames; two such blocks follow with all as it was, in which the agent may find back.
NARROW, DEAD, SLOW, KILLED = "100 times narrower", "dead", "server 10 times slower", "server killed"
CHANGES = [NARROW, DEAD, SLOW, KILLED]
PHASES = ["before", "during", "after", "later"]
SLOWER = 10


class Slow(threading.Thread):
    """Lets a process run for one part in SLOWER of the time."""

    STEP = 0.002  # s

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.stopped = process, False
        self.start()

    def run(self):
        while not self.stopped:
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(self.STEP * (SLOWER - 1))
            self.process.send_signal(signal.SIGCONT)
            time.sleep(self.STEP)

    def end(self):
        self.stopped = True
        self.join()


def changed(lab, board, bandwidth, change):
    """Makes the change; returns what takes it back."""
    if change == SLOW:
        return Slow(lab.worker).end
    if change == DEAD:
        return hold(board.relay)
    if change == KILLED:
        lab.worker.kill()
        return lab.restart_worker
    trip, rate = lab.options.round_trip, bandwidth * 1e6
    board.relay.set(trip, rate / 100)
    return lambda: board.relay.set(trip, rate)


def hold(relay):
    def release():
        relay.held = False

    relay.held = True
    return release


def run(lab, policy, path, bandwidth, change, count, warm_up):
    board = lab.board(policy, path, bandwidth)
    try:
        lab.warm_up(board, warm_up)
        blocks, back = [], None
        for phase in PHASES:
            if phase == "during":
                back = changed(lab, board, bandwidth, change)
            values = dict(policy=policy, bandwidth=bandwidth, change=change, phase=phase)
            try:
                blocks.append(lab.block(board, len(blocks) * count, count, **values))
            finally:
                if phase == "during":
                    back()
        return blocks
    finally:
        lab.end(board)


def measure(lab, policies, bandwidths, count, warm_up, keep):
    record = dict(blocks=[], finals=[], saturated=[])
    for bandwidth in bandwidths:
        for change in CHANGES:
            for policy, path in policies.items():
                try:
                    record["blocks"] += repeated(lambda: run(lab, policy, path, bandwidth, change, count, warm_up), tries=3)
                except Stalled as stalled:
                    say(f"{policy}, {change}: {stalled}")
                keep(record)
            say(f"{bandwidth:g} Mbit/s, {change}")
    return record


def table(record, deadline):
    print(f"\nFrames while link or server change, and after they have changed back; deadline {1000 * deadline:g} ms. A frame is late where its decision came after it;")
    print("unconfirmed is what the board decided without being sure, because nobody answered in time. Four figures: " + ", ".join(PHASES) + "\n")
    print("| policy | Mbit/s | change | frames | undecided | late | latest, ms | unconfirmed, % | by the cloud, % | latency, ms |")
    print("|---|---:|---|---:|---:|---:|---:|---|---|---|")
    keys = list(dict.fromkeys((block["policy"], block["bandwidth"], block["change"]) for block in record["blocks"]))
    totals = dict(frames=0, undecided=0, late=0)
    for key in keys:
        blocks = {block["phase"]: block["frames"] for block in record["blocks"] if (block["policy"], block["bandwidth"], block["change"]) == key}
        frames = [frame for phase in blocks.values() for frame in phase]
        undecided = sum(frame["source"] == "dropped" for frame in frames)
        late = sum(frame["latency"] > deadline for frame in frames if frame["source"] != "dropped")
        for name, value in (("frames", len(frames)), ("undecided", undecided), ("late", late)):
            totals[name] += value
        policy, bandwidth, change = key
        row = [policy, f"{bandwidth:g}", change, str(len(frames)), str(undecided), str(late), f"{1000 * max(frame['latency'] for frame in frames):.1f}"]
        row += [" ".join(f"{100 * sum(frame['source'] == source for frame in phase) / len(phase):.0f}" for phase in blocks.values()) for source in ("local-unconfirmed", "cloud")]
        row.append(" ".join(f"{1000 * statistics.mean(frame['latency'] for frame in phase):.1f}" for phase in blocks.values()))
        print("| " + " | ".join(row) + " |")
    if keys:
        every = [frame["latency"] for block in record["blocks"] for frame in block["frames"]]
        print(f"\n{totals['frames']} frames: {totals['undecided']} undecided, {totals['late']} late; the 99th percentile of all is {1000 * quantile(every, 0.99):.1f} ms")
