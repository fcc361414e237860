# SPDX-License-Identifier: Apache-2.0
"""A broker, a worker, boards, and what makes life hard for them: everything that plans are measured with."""
import contextlib
import os
import shutil
import statistics
import sys
import threading
import time

from bench.blocks import measured
from bench.board import Board, Settings, processor_times
from bench.processes import Stalled, end, start, start_broker, start_worker

# The boards' processor, and that of everything else.
BOARD_CORES, OTHER_CORES = [0], [1]
# Frames are fed at most so much too late; what comes later is measured again.
LATEST = 0.5
# Where there are as many frames as can be, so many wait for the link that the deadline is so many times as long.
PATIENCE = 10
LOADS = ["idle", "board", "server"]


class Lab:
    """network: of bench.networks. options: round_trip, deadline, period (s), isa."""

    def __init__(self, folder, network, options):
        self.folder, self.network, self.options = folder, network, options
        if max(OTHER_CORES) < (os.cpu_count() or 1):
            os.sched_setaffinity(0, OTHER_CORES)
        self.port = start_broker(folder, OTHER_CORES)
        self.worker = start_worker(folder, network.cloud, self.port, OTHER_CORES)
        self.settings, self.patient = (
            Settings(folder, network.board, self.port, deadline, max(2.0, 4 * deadline), BOARD_CORES, options.isa)
            for deadline in (options.deadline, PATIENCE * options.deadline))
        self.runs = 0
        # Images come as often as each other, in one order.
        self.images = [(place, *frame) for place, frame in enumerate(network.frames)]

    def restart_worker(self):
        self.worker.wait()
        self.worker = start_worker(self.folder, self.network.cloud, self.port, OTHER_CORES)

    def images_at(self, start, count):
        return [self.images[(start + offset) % len(self.images)] for offset in range(count)]

    def board(self, name, policy, bandwidth, frames=None):
        """A board under the policy of a file, behind a link of so many Mbit/s; connected."""
        self.runs += 1
        common = self.patient if frames else self.settings
        settings = f"{planned(policy)}\n{common.recovery()}"
        return Board(f"{name}-{self.runs}", common, settings, (self.options.round_trip, bandwidth * 1e6), frames and [path for _, path, _ in frames])

    def end(self, board):
        counters = board.end()
        shutil.rmtree(board.folder)
        return counters

    def warm_up(self, board, count):
        """Frames that count for nothing, so that the board knows its link."""
        board.feed([path for _, path, _ in self.images_at(len(self.images) - count, count)], self.options.period)
        board.settle()

    def block(self, board, start, count, **values):
        """Feeds frames, one a period; returns what became of them."""
        chosen = self.images_at(start, count)
        begun, times, board.lag = time.monotonic(), self.times(board), 0.0
        names = board.feed([path for _, path, _ in chosen], self.options.period)
        board.settle()
        block = measured(board, names, chosen, seconds=time.monotonic() - begun, start=start, **self.since(times, board), **values)
        if block["lag"] > LATEST:
            raise Stalled(f"a frame was fed {block['lag']:.1f} s too late")
        return block

    def times(self, board):
        return [*board.processor_times(), *processor_times(self.worker.pid)]

    def since(self, times, board):
        """Of the board: computed, and waited for a processor that others had; served: what the worker computed."""
        computed, waited, served, _ = (new - old for new, old in zip(self.times(board), times))
        return dict(computed=computed, waited=waited, served=served)

    def fresh_block(self, name, policy, bandwidth, start, count, warm_up, values):
        """A block by an agent that has just begun; and its counters."""
        board = self.board(name, policy, bandwidth)
        try:
            self.warm_up(board, warm_up)
            block = self.block(board, start, count, **values)
        except BaseException:
            self.end(board)
            raise
        return block, self.end(board)

    def saturated(self, name, policy, bandwidth, warm_up, seconds, most=1500):
        """Frames a second that are answered, where the next one is there as soon as the board takes it; of so many a second at most."""
        images = self.images_at(0, len(self.images))
        given = [images[number % len(images)] for number in range(int((warm_up + seconds + 1) * most))]
        board = self.board(name, policy, bandwidth, given)
        try:
            time.sleep(warm_up)
            begun, times = time.monotonic(), self.times(board)
            time.sleep(seconds)
            over, spent = time.monotonic(), self.since(times, board)
        finally:
            self.end(board)
        decisions = board.decisions().values()
        if len(decisions) == len(given):
            # The last one came before its time was over.
            over = min(over, max(decision["first"]["at"] for decision in decisions))
            if over <= begun:
                raise Stalled(f"{name}: the {len(given)} frames were too few")
        lines = [decision["first"] for decision in decisions if begun <= decision["first"]["at"] < over]
        labels = [given[int(line["name"].split(".")[0]) - 1][2] for line in lines]
        asked = [question for question in board.questions.asked if begun <= question["begun"] < over]
        count = max(len(lines), 1)
        plans = {number: forecast["plan"] for _, forecast in board.forecasts if (number := forecast.get("number")) is not None}
        return dict(
            plans=sorted({plans.get(line.get("plan"), "?") for line in lines}),
            throughput=sum(line["source"] != "local-unconfirmed" for line in lines) / (over - begun),
            accuracy=sum(line.get("class") == label for line, label in zip(lines, labels)) / count,
            cloud=sum(line["source"] == "cloud" for line in lines) / count, unconfirmed=sum(line["source"] == "local-unconfirmed" for line in lines) / count,
            bytes=sum(question["bytes"] for question in asked) / count, frames=len(lines), **{key: value / count for key, value in spent.items()})

    @contextlib.contextmanager
    def loaded(self, kind):
        """Half of the board's processor is taken by something else; or half of the worker's time by another board, whose frames all go to the cloud."""
        if kind == "board":
            hog = start([sys.executable, "-c", "while True: pass"], BOARD_CORES)
            try:
                yield
            finally:
                end(hog)
        elif kind == "server":
            crowd = Crowd(self)
            try:
                yield
            finally:
                crowd.end()
        else:
            yield


def planned(policy):
    """For the agent's configuration. Beside what its plans ask, the end's gate asks for nothing."""
    return f'plan: {{policy: "{os.path.abspath(policy)}", radio: wifi}}\ngate: {{threshold: 0 %}}'


class Crowd(threading.Thread):
    """Another board, near the worker, that asks about a frame every two times that the worker takes for one."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.images = [path for _, path, _ in lab.images[::7]]
        near = Settings(lab.folder, lab.network.board, lab.port, 1.0, 2.0, OTHER_CORES)
        self.board = Board(f"crowd-{lab.runs}", near, f"{planned('Config/policies/cloud-only.yaml')}\n{near.recovery()}", (0, 1e9))
        self.board.feed(self.images[:16], 0.1)
        self.board.settle()
        times = [question["answer"]["infer_ms"] for question in self.board.questions.asked if question["answer"]]
        if not times:
            raise Stalled("the board that loads the worker got no answer")
        self.period = 2 * statistics.median(times) / 1000
        self.stopped = False
        self.start()

    def run(self):
        while not self.stopped:
            self.board.feed(self.images[:16], self.period)

    def end(self):
        self.stopped = True
        self.join()
        self.board.end()
        shutil.rmtree(self.board.folder)
