# SPDX-License-Identifier: Apache-2.0
"""A bad link, in this process."""
import collections
import selectors
import socket
import threading
import time


class Stream:
    """One direction of a connection."""

    def __init__(self, source, destination, is_up, tap):
        self.source, self.destination, self.is_up, self.tap = source, destination, is_up, tap
        self.waiting = collections.deque()  # when it is due, bytes
        self.free = 0.0  # when the link is free again


class Relay(threading.Thread):
    """Passes connections on to a port: every byte half a round trip later, and no more of them than the rate, each way.

    Rate (bits a second) and round trip (seconds) may be set anew at any time, for what comes from then on. While it is held, nothing passes. Bytes that wait for the link are
    kept without bound.
    tap: called for each connection; returns two functions that are called with the bytes towards the port and from there, and the time, as they come.
    """

    def __init__(self, target, round_trip, rate, tap=None):
        super().__init__(daemon=True)
        self.target, self.tap = target, tap
        self.set(round_trip, rate)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sent = 0
        self.held = self.stopped = False

    def set(self, round_trip, rate):
        self.delay, self.rate = round_trip / 2, rate / 8

    def end(self):
        self.stopped = True
        self.join()

    def run(self):
        streams = []
        selector = selectors.DefaultSelector()
        selector.register(self.listener, selectors.EVENT_READ)
        while not self.stopped:
            now = time.monotonic()
            due = min((stream.waiting[0][0] for stream in streams if stream.waiting and not self.held), default=now + 0.1)
            for key, _ in selector.select(max(0, min(due - now, 0.1))):
                if key.fileobj is self.listener:
                    streams += self.connect(selector)
                else:
                    self.receive(key.data, selector)
            now = time.monotonic()
            for stream in streams if not self.held else []:
                self.forward(stream, now)
        for stream in streams:
            stream.source.close()
        self.listener.close()
        selector.close()

    def connect(self, selector):
        client = self.listener.accept()[0]
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return []
        up, down = self.tap() if self.tap else (None, None)
        streams = [Stream(client, server, True, up), Stream(server, client, False, down)]
        for stream in streams:
            stream.source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(stream.source, selectors.EVENT_READ, stream)
        return streams

    def receive(self, stream, selector):
        try:
            piece = stream.source.recv(1400)
        except OSError:
            piece = b""
        now = time.monotonic()
        stream.free = max(now, stream.free) + len(piece) / self.rate
        stream.waiting.append((stream.free + self.delay, piece))
        self.sent += len(piece) if stream.is_up else 0
        if stream.tap and piece:
            stream.tap(piece, now)
        if not piece:
            selector.unregister(stream.source)

    @staticmethod
    def forward(stream, now):
        while stream.waiting and stream.waiting[0][0] <= now:
            piece = stream.waiting.popleft()[1]
            try:
                stream.destination.sendall(piece) if piece else stream.destination.shutdown(socket.SHUT_WR)
            except OSError:
                pass
