# SPDX-License-Identifier: Apache-2.0
"""What a bench runs: our programs, a broker of its own, and what becomes of them."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

processes = []


class Stalled(Exception):
    """A process didn't get on: it is missing something, or the machine stood still."""


def prepare(*needed):
    """Makes a termination like an interrupt; ends the bench, as skipped, where something it needs isn't there.

    needed: pairs of whether it is there, and what it is.
    """
    for there, what in needed:
        if not there:
            sys.exit(print(f"{name()}: skipped, no {what}", file=sys.stderr))
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def name():
    return os.path.basename(sys.argv[0])


def say(text):
    print(f"{name()}: {text}", file=sys.stderr, flush=True)


def program(program):
    """Where one of our programs is: SWIFTLET_TOOL and SWIFTLET_DAEMON name others than those of .build/release."""
    variable = {"swiftlet": "SWIFTLET_TOOL", "swiftletd": "SWIFTLET_DAEMON"}[program]
    return os.environ.get(variable, f".build/release/{program}")


def mosquitto():
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def start(command, cores=None, **options):
    """Starts a process that ends with the bench at the latest.

    cores: those that it may run on, where the machine has them.
    """
    if cores and max(cores) < (os.cpu_count() or 1) and shutil.which("taskset"):
        command = ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
    process = subprocess.Popen(command, stdout=options.pop("stdout", subprocess.DEVNULL), **options)
    processes.append(process)
    return process


def end(process, patience=0):
    """Asks a process to end, and makes it after so many seconds."""
    if process.poll() is None:
        if patience:
            process.terminate()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        process.kill()
    process.wait()
    forget(process)


def forget(process):
    processes.remove(process)


def end_all():
    for process in list(processes):
        end(process)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def await_line(process, text, timeout=60, each=None):
    """Follows a process's standard error; returns the list that its lines go to, once one of them contains the text, and the thread that follows.

    each: called with every line, on that thread.
    """
    lines, seen, ended = [], threading.Event(), threading.Event()

    def follow():
        for line in process.stderr:
            lines.append(line.decode(errors="replace"))
            if each:
                each(lines[-1])
            if text in lines[-1]:
                seen.set()
        ended.set()
        seen.set()

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    if not seen.wait(timeout) or ended.is_set():
        raise Stalled(f"{process.args[-1]}: no '{text}' {'until its end' if ended.is_set() else f'in {timeout} s'}:\n{''.join(lines)}")
    return lines, follower


def start_broker(folder, cores=None):
    """A mosquitto for this bench alone; returns its port."""
    port = free_port()
    user = "user root\n" if os.geteuid() == 0 else ""
    write(f"{folder}/broker.conf", f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\nlog_dest none\n{user}")
    start([mosquitto(), "-c", f"{folder}/broker.conf"], cores, stderr=subprocess.DEVNULL)
    return port


def broker_section(port):
    """For the configuration of an agent or a worker."""
    return f"broker: {{host: 127.0.0.1, port: {port}, keep-alive: 30 s, back-off: {{first: 100 ms, longest: 1 s}}}}"


def start_worker(folder, bundle, port, cores=None, queue=64, name="worker-1", **options):
    """`swiftlet serve` with the model `full`; returns once it is connected."""
    write(f"{folder}/{name}.yaml", f"""
worker: {name}
model: {{bundle: "{bundle}", name: full}}
queue: {queue}
{broker_section(port)}
""")
    worker = start([program("swiftlet"), "serve", "--config", f"{folder}/{name}.yaml"], cores, stderr=subprocess.PIPE, **options)
    await_line(worker, "connected to")
    return worker
