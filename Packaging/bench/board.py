# SPDX-License-Identifier: Apache-2.0
"""`swiftletd` behind a link of its own, and what it says of the frames that it is fed."""
import itertools
import json
import math
import os
import subprocess
import threading
import time

from bench.messages import Questions
from bench.processes import await_line, broker_section, end, program, start, write
from bench.relay import Relay

# The line of the log that says what has been chosen, and its figures.
FORECAST = "plan: {"


class Settings:
    """What all boards of a bench have in common."""

    def __init__(self, folder, bundle, port, deadline, expiry, cores, isa=None):
        self.folder, self.bundle, self.port = folder, bundle, port
        self.deadline, self.expiry, self.cores, self.isa = deadline, expiry, cores, isa

    def configuration(self, board):
        return f"""
device: {board.device}
model: {{bundle: "{self.bundle}"}}
source: {{folder: {{path: "{board.watched}", watch: {str(board.is_live).lower()}}}}}
deadline: {self.deadline * 1000:.0f} ms
{board.settings}
{broker_section(board.relay.port)}
"""

    def recovery(self, **values):
        values = {"enabled": "true", "model": "full", "expiry": f"{self.expiry * 1000:.0f} ms", "least-contrast": "0", "least-sharpness": "0"} | values
        return "recovery: {" + ", ".join(f"{key}: {value}" for key, value in values.items()) + "}"


class Board:
    """A board takes frames from a folder: as they are fed, or, where they are given at once, one after the other as fast as it can.

    settings: of `agent.yaml`, what is this board's own.
    link: round trip in s, bits a second.
    """

    numbers = itertools.count(1)

    def __init__(self, name, common, settings, link, frames=None):
        self.name, self.common, self.settings, self.is_live = name, common, settings, frames is None
        # Topics hold it, and are sent with every frame: of all boards it's as long.
        self.device = f"board-{next(Board.numbers):05}"
        self.folder = f"{common.folder}/{name}"
        self.watched, self.staging = f"{self.folder}/frames", f"{self.folder}/staging"
        for folder in (self.watched, self.staging):
            os.makedirs(folder)
        self.fed = {}  # name: when
        self.lines = []  # as they were written: when they came, and the decision
        self.forecasts = []  # when they came, and what they say
        self.serial, self.lag = 0, 0.0
        for path in frames or []:
            os.symlink(path, f"{self.watched}/{self.next_name(path)}")
        self.questions = Questions()
        self.relay = Relay(common.port, *link, tap=self.questions.tap)
        self.relay.start()
        write(f"{self.folder}/agent.yaml", common.configuration(self))
        # Choices that keep the plan are forecasts too.
        environment = dict(os.environ, SWIFTLET_LOG="debug", **(dict(SWIFTLET_ISA=common.isa) if common.isa else {}))
        self.agent = start(
            [program("swiftletd"), "--config", f"{self.folder}/agent.yaml"], common.cores, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.errors, self.follower = await_line(self.agent, "cloud: connected", each=self.note)

    def next_name(self, path):
        self.serial += 1
        return f"{self.serial:06}{os.path.splitext(path)[1]}"

    def read(self):
        for line in self.agent.stdout:
            self.lines.append((time.monotonic(), line))

    def note(self, line):
        if FORECAST in line:
            forecast = json.loads(line[line.index(FORECAST) + len(FORECAST) - 1:])
            self.forecasts.append((time.monotonic(), forecast | {"figures": plain(forecast["figures"])}))

    def feed(self, paths, period):
        """Puts frames into the folder, one every period; returns their names."""
        names, begun = [], time.monotonic()
        for number, path in enumerate(paths):
            name = self.next_name(path)
            os.link(path, f"{self.staging}/{name}")
            time.sleep(max(0, begun + number * period - time.monotonic()))
            self.fed[name] = time.monotonic()
            self.lag = max(self.lag, self.fed[name] - begun - number * period)
            os.rename(f"{self.staging}/{name}", f"{self.watched}/{name}")
            names.append(name)
        return names

    def settle(self):
        """Waits until everything that was fed is decided, and what may still come has come."""
        time.sleep(self.common.deadline)
        begun = time.monotonic()
        while time.monotonic() - begun < self.common.expiry and any(not (question["answer"] or question["cancelled"]) for question in self.questions.asked[-64:]):
            time.sleep(0.02)
        time.sleep(0.02)

    def processor_times(self):
        return processor_times(self.agent.pid)

    def end(self):
        """Ends the agent; returns its counters."""
        end(self.agent, patience=10)
        self.reader.join()
        self.follower.join()
        self.relay.end()
        last = [line for line in self.errors if "stopped; {" in line]
        return json.loads(last[-1].split("stopped; ", 1)[1]) if last else None

    def decisions(self):
        """By name: the line that decided and, where it was revised, the line that did."""
        decisions = {}
        for at, line in self.lines:
            line = json.loads(line) | {"at": at}
            if "revises" not in line:
                decisions[line.get("name", str(line["frame"]))] = dict(first=line, last=line)
            elif (decision := decisions.get(line.get("name", str(line["frame"])))):
                decision["last"] = line
        return decisions


def plain(figures):
    """Figures whose keys end in a unit in s, J and frames a second."""
    units = {"_ms": 1000, "_mj": 1000, "_fps": 1}
    values = {}
    for key, value in figures.items():
        unit = next((unit for unit in units if key.endswith(unit)), "")
        # What never ends is null.
        values[key.removesuffix(unit)] = math.inf if value is None else value / units.get(unit, 1)
    return values


def processor_times(process):
    """Seconds that a process has computed, and has waited for a processor, by all its threads that still are there."""
    computed = waited = 0
    for thread in os.listdir(f"/proc/{process}/task"):
        try:
            with open(f"/proc/{process}/task/{thread}/schedstat") as file:
                fields = file.read().split()
        except OSError:
            continue
        computed, waited = computed + int(fields[0]), waited + int(fields[1])
    return computed / 1e9, waited / 1e9
