# SPDX-License-Identifier: Apache-2.0
"""Blocks of frames that a board was fed, and the figures of several of them.

A block is a dictionary: `frames` (what became of each: `frame_record`), `forecasts` (what was expected, by the number that frames name), `seconds`, `computed` and
`waited` (for its processor, by the board), `served` (by the worker), `rate` (of the link, bits a second) and what names it.
"""
from bench.figures import quantile

# Of Sources/Planning/Radio.swift: W per Mbit/s, W, then s and W of promotion and tail.
RADIOS = {
    "3g": dict(sending=0.86898, base=0.81788, promotion=(0.5821, 0.6594), tail=(8.9124, (8.0882 * 0.8039 + 0.8242 * 0.6013) / 8.9124)),
    "lte": dict(sending=0.43839, base=1.28804, promotion=(0.2601, 1.2107), tail=(11.576, 1.06)),
    "wifi": dict(sending=0.28317, base=0.13286, promotion=(0.0791, 0.1244), tail=(0.2381, 0.1193)),
}
# What the board's processor draws while it computes, beside what the board draws anyway: `swiftlet plan --power`.
POWER = 3.0


def frame_record(name, image, label, decision, questions, deadline, forecast=None):
    """What became of a frame.

    latency: to the first decision. answered: to the last one. At the deadline, where there is none. forecast: what was expected when it was fed.
    bytes, wire: what was sent for it, behind the header and with all of MQTT.
    """
    record = dict(
        name=name, image=image, label=label, source="dropped", right=False, latency=deadline, answered=deadline, forecast=forecast, bytes=0, wire=0, sent=[])
    if decision:
        first, last = decision["first"], decision["last"]
        record.update(
            source=first["source"], right=first.get("class") == label, latency=first["latency_ms"] / 1000, answered=last["latency_ms"] / 1000,
            last_source=last["source"], plan=first.get("plan"), exit=first.get("exit"), sent_bytes=first.get("sent_bytes"))
    for question in questions:
        record["bytes"] += question["bytes"]
        record["wire"] += question["wire"]
        record["sent"].append(question)
    return record


def is_missed(frame):
    """Whether there was no answer by the deadline that the plan would stand by."""
    return frame["source"] in ("dropped", "local-unconfirmed")


def figures(blocks, radio="wifi"):
    """Latencies in s, energy in J, all by frame; the planned bytes are those without probes of the link. Nothing of no frames."""
    frames = [frame for block in blocks for frame in block["frames"]]
    if not frames:
        return {}
    count = len(frames)
    times = [frame["answered"] for frame in frames]
    sent = [question for frame in frames for question in frame["sent"]]
    served = [question["answer"]["infer_ms"] or 0 for question in sent if question["answer"]]
    return dict(
        latency=sum(times) / count, p95_latency=quantile(times, 0.95), deadline_misses=sum(map(is_missed, frames)) / count,
        accuracy=sum(frame["right"] for frame in frames) / count, bytes=sum(frame["bytes"] for frame in frames) / count,
        planned_bytes=sum(question["bytes"] for question in sent if question["purpose"] != "probe") / count, wire=sum(frame["wire"] for frame in frames) / count,
        sent=sum(bool(frame["sent"]) for frame in frames) / count, cloud=sum(frame["source"].startswith("cloud") for frame in frames) / count,
        server_time=sum(served) / 1000 / count, server_cpu=sum(block["served"] for block in blocks) / count, board_cpu=sum(block["computed"] for block in blocks) / count,
        energy=sum(energy(block, RADIOS[radio]) for block in blocks) / count)


def contention(blocks):
    """Seconds that boards waited for their processor, for each that they computed: by work of others, and of threads of their own."""
    return sum(block["waited"] for block in blocks) / max(sum(block["computed"] for block in blocks), 1e-9)


def energy(block, radio):
    """Joules by the model of Sources/Planning/Radio.swift, put to what the processor computed, and to what was sent when."""
    total, free = block["computed"] * POWER, None
    (tail, waiting), (promotion, rising) = radio["tail"], radio["promotion"]
    for question in sorted((question for frame in block["frames"] for question in frame["sent"]), key=lambda question: question["begun"]):
        sending = question["wire"] * 8 / block["rate"]
        over = question["answer"]["at"] if question["answer"] else question["begun"] + sending
        gap = tail if free is None else max(question["begun"] - free, 0)
        total += min(gap, tail) * waiting if free is not None else 0
        total += promotion * rising if gap >= tail else 0
        total += sending * (radio["sending"] * block["rate"] / 1e6 + radio["base"]) + max(over - question["begun"] - sending, 0) * waiting
        free = max(over, free or 0)
    return total + (tail * waiting if free is not None else 0)


def measured(board, names, chosen, **values):
    """The block of these frames: names as they were fed, and for each the place of its image, its path and label."""
    decisions = board.decisions()
    asked = {}
    for question in board.questions.asked:
        asked.setdefault(question["frame"], []).append(question)
    forecasts = list(board.forecasts)
    frames = []
    for name, (image, _, label) in zip(names, chosen):
        decision = decisions.get(name)
        number = decision["first"]["frame"] if decision else None
        known = [place for place, (at, _) in enumerate(forecasts) if at <= board.fed[name]]
        frames.append(frame_record(name, image, label, decision, asked.get(number, []), board.common.deadline, known[-1] if known else None))
    used = sorted({frame["forecast"] for frame in frames if frame["forecast"] is not None})
    for frame in frames:
        frame["forecast"] = used.index(frame["forecast"]) if frame["forecast"] is not None else None
    return dict(frames=frames, forecasts=[forecasts[place][1] for place in used], rate=board.relay.rate * 8, lag=board.lag, **values)
