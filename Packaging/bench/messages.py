# SPDX-License-Identifier: Apache-2.0
"""What a device and its workers say to each other (Config/protocol.md), read from the bytes that pass a relay."""
import json


class Publications:
    """Puts MQTT 5 packets together from pieces, and calls `found(topic, payload, sizes, times)` for each publication of ours: of the payload the first 4,096
    bytes, the sizes of payload and whole packet, and the times of its first and last piece."""

    KEPT = 4096 + 512

    def __init__(self, found):
        self.found = found
        self.header = bytearray()
        self.head = bytearray()
        self.left = 0

    def __call__(self, piece, now):
        position = 0
        while position < len(piece):
            if self.left == 0:
                if not self.header:
                    self.begun = now
                self.header.append(piece[position])
                position += 1
                if len(self.header) == 1 or self.header[-1] & 0x80:
                    continue
                self.left = self.size = number(self.header[1:])[0]
                self.head.clear()
            else:
                part = piece[position:position + self.left]
                position += len(part)
                self.left -= len(part)
                self.head += part[:max(self.KEPT - len(self.head), 0)]
            if self.left == 0:
                if self.header[0] >> 4 == 3:
                    self.publication(now)
                self.header.clear()

    def publication(self, now):
        length = int.from_bytes(self.head[:2], "big")
        topic = self.head[2:2 + length].decode(errors="replace")
        start = 2 + length + (2 if self.header[0] & 0b110 else 0)
        properties, width = number(self.head[start:start + 4])
        start += width + properties
        if topic.count("/") > 2:
            self.found(topic, bytes(self.head[start:]), (self.size - start, len(self.header) + self.size), (self.begun, now))


def number(digits):
    """MQTT's variable byte integer at the start of the digits, and how many digits it has."""
    value = 0
    for place, digit in enumerate(digits):
        value |= (digit & 0x7F) << 7 * place
        if not digit & 0x80:
            return value, place + 1
    return value, len(digits)


class Questions:
    """Every question that passes, in order, with its answer, or when it was cancelled. `tap` is for a Relay."""

    def __init__(self):
        self.asked = []
        self.by_id = {}
        # What isn't as the protocol says.
        self.strange = 0

    def tap(self):
        return Publications(self.towards_worker), Publications(self.towards_device)

    def towards_worker(self, topic, payload, sizes, times):
        kind = topic.split("/")[-2]
        try:
            if kind == "infer":
                self.ask(payload, sizes, times)
            elif kind == "cancel" and (question := self.by_id.get(json.loads(payload)["id"])):
                question["cancelled"] = times[0]
        except (ValueError, KeyError):
            self.strange += 1

    def ask(self, payload, sizes, times):
        length = int.from_bytes(payload[:4], "big")
        header = json.loads(payload[4:4 + length])
        question = dict(
            frame=header["frame"], encoding=header["encoding"], cut=header.get("cut", 0), exit=header.get("exit"), purpose=header.get("gate", {}).get("reason"),
            bytes=sizes[0] - 4 - length, wire=sizes[1], begun=times[0], ended=times[1], answer=None, cancelled=None)
        self.asked.append(question)
        self.by_id[header["id"]] = question

    def towards_device(self, topic, payload, sizes, times):
        if not topic.endswith("/dn/infer"):
            return
        try:
            reply = json.loads(payload)
            question = self.by_id.get(reply["id"])
        except (ValueError, KeyError):
            self.strange += 1
            return
        if question and not question["answer"]:
            question["answer"] = dict(status=reply.get("status"), queue_ms=reply.get("queue_ms"), infer_ms=reply.get("infer_ms"), at=times[1])
