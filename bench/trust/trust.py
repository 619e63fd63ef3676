#!/usr/bin/env python3
"""trust.py BUILD: the same program in trouble, traced by rill, LTTng-UST and spdlog.

Prints a table for docs/reliability.md. Each program keeps what it has emitted on a page of a file,
so nobody is asked about himself. Everything is on tmpfs. As root it makes a mount namespace first,
so that no other session daemon is met.
"""
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

KILLS = int(os.environ.get("TRUST_KILLS", "20"))
HANGS = 5  # seconds after which something is said to hang
EVENT = re.compile(rb"\bid ?= ?(\d+)[, ].*?\btotal ?= ?(\d+)")


class Tracer:
    """What differs between tracers; a subclass for each."""

    name = ""
    program = ""
    remark = None

    def __init__(self, build):
        self.program_path = f"{build}/bench/trust/{self.program}"
        self.plugin = f"{build}/bench/trust/{self.program}-plugin.so"
        self.build = build

    def begin(self, folder, fifo):
        """Before the program starts. Returns what is added to its environment."""
        raise NotImplementedError

    def stall(self):
        """Who collects, if that is another process, stops working."""

    def end(self, folder):
        """When the program is gone. Returns the trace as lines of text."""
        raise NotImplementedError


class Rill(Tracer):
    name = "rill"
    program = "rill"

    def begin(self, folder, fifo):
        sink = f"json:{fifo}" if fifo else f"dump:{folder}/dump"
        self.env = {"RILL_FILTER": "*=trace", "RILL_SINKS": sink, "RILL_POLICY": "block",
                    "RILL_BLOCK_TIMEOUT": "1s", "RILL_RUNTIME_DIR": folder}
        return self.env

    def end(self, folder):
        subprocess.run([f"{self.build}/rill", "recover"], env={**os.environ, **self.env}, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not os.path.isdir(f"{folder}/dump"):
            return b""
        return subprocess.run([f"{self.build}/rill", "cat", f"{folder}/dump"], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


class Lttng(Tracer):
    name = "LTTng-UST (blocking)"
    program = "lttng"
    daemon = None

    def command(self, *words):
        subprocess.run(["lttng", *words], env=self.env, check=True, stdout=subprocess.DEVNULL,
                       stderr=self.log)

    def begin(self, folder, fifo):
        self.env = {**os.environ, "LTTNG_HOME": folder, "LTTNG_UST_ALLOW_BLOCKING": "1"}
        self.log = open(f"{folder}/log", "wb")
        self.daemon = subprocess.Popen(
            ["lttng-sessiond", "--no-kernel", "--agent-tcp-port=5345-5999"], env=self.env,
            stdout=self.log, stderr=self.log)
        for _ in range(500):
            if subprocess.run(["lttng", "--no-sessiond", "list"], env=self.env, check=False,
                              stdout=subprocess.DEVNULL, stderr=self.log).returncode == 0:
                break
            time.sleep(0.02)
        self.command("create", "trust", f"--output={folder}/trace")
        self.command("enable-channel", "-u", "-s", "trust", "--subbuf-size=64k", "--num-subbuf=4",
                     "--blocking-timeout=inf", "channel")
        self.command("enable-event", "-u", "-s", "trust", "-c", "channel",
                     "rill_trust:event,rill_trust_plugin:event")
        self.command("start", "trust")
        # Its manual page asks for that where a program forks.
        return {"LTTNG_HOME": folder, "LTTNG_UST_ALLOW_BLOCKING": "1",
                "LD_PRELOAD": "liblttng-ust-fork.so"}

    def collectors(self):
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.daemon.pid)], check=False,
                                  stdout=subprocess.PIPE).stdout.split()
        return [self.daemon.pid, *map(int, children)]

    def stall(self):
        for pid in self.collectors():
            os.kill(pid, signal.SIGSTOP)

    def end(self, folder):
        for pid in self.collectors():
            os.kill(pid, signal.SIGCONT)
        try:
            subprocess.run(["lttng", "destroy", "trust"], env=self.env, check=True, timeout=HANGS,
                           stdout=subprocess.DEVNULL, stderr=self.log)
        except subprocess.TimeoutExpired:
            # It waits for data that a killed process had begun to write.
            self.remark = "`lttng destroy` waits for ever after some; read after `--no-wait`"
            self.command("destroy", "--no-wait", "trust")
            time.sleep(0.5)
        text = subprocess.run(["babeltrace2", f"{folder}/trace"], check=False, stdout=subprocess.PIPE,
                              stderr=self.log).stdout
        helpers = self.collectors()[1:]
        self.daemon.terminate()
        try:
            self.daemon.wait(HANGS)
        except subprocess.TimeoutExpired:
            for pid in [self.daemon.pid, *helpers]:
                os.kill(pid, signal.SIGKILL)
            self.daemon.wait()
        self.log.close()
        return text


class Spdlog(Tracer):
    program = "spdlog"
    mode = ""

    def begin(self, folder, fifo):
        return {"TRUST_MODE": self.mode, "TRUST_FILE": fifo or f"{folder}/file"}

    def end(self, folder):
        try:
            with open(f"{folder}/file", "rb") as file:
                return file.read()
        except OSError:
            return b""


class SpdlogSync(Spdlog):
    name, mode = "spdlog, synchronous", "sync"


class SpdlogBlock(Spdlog):
    name, mode = "spdlog, asynchronous, block", "block"


class SpdlogOverrun(Spdlog):
    name, mode = "spdlog, asynchronous, overrun_oldest", "overrun"


class Run:
    """One program of one tracer in a folder of its own."""

    def __init__(self, tracer, how, fifo=False):
        self.tracer = tracer
        self.folder = tempfile.mkdtemp(prefix="rill-trust-", dir="/dev/shm")
        path, self.reader = None, None
        if fifo:
            path = f"{self.folder}/fifo"
            os.mkfifo(path)
            self.reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        env = tracer.begin(self.folder, path)
        self.page = f"{self.folder}/witness"
        self.process = subprocess.Popen([tracer.program_path, how, self.page, tracer.plugin],
                                        env={**os.environ, **env}, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def witness(self):
        try:
            with open(self.page, "rb") as file:
                words = file.read()
            return struct.unpack(f"{len(words) // 8}Q", words)
        except OSError:
            return ()

    def wait(self, seconds):
        """What it printed, or None: it hung, and was killed."""
        try:
            return self.process.communicate(timeout=seconds)[0].decode()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            return None

    def end(self):
        """Numbers of events by who emitted them, and what the witness says."""
        found = {}
        for who, number in EVENT.findall(self.tracer.end(self.folder)):
            found.setdefault(int(who), []).append(int(number))
        witness = self.witness()
        if self.reader is not None:
            os.close(self.reader)
        shutil.rmtree(self.folder)
        return found, witness


def killed(tracer, how, times):
    """Events that were emitted, lost, there twice; runs with a loss."""
    emitted = lost = twice = losing = 0
    for _ in range(times):
        run = Run(tracer, how)
        until = time.monotonic() + 10
        while how == "run" and not sum(run.witness()) and time.monotonic() < until:
            time.sleep(0.001)
        if how == "run":
            time.sleep(random.uniform(0.01, 0.1))
            run.process.kill()
        run.wait(60)
        found, witness = run.end()
        numbers = found.get(0, [])
        there = len({n for n in numbers if n <= witness[0]})
        emitted += witness[0]
        lost += witness[0] - there
        twice += len(numbers) - len(set(numbers))
        losing += witness[0] != there
    text = f"{lost:,} of {emitted:,} lost, in {losing} of {times}"
    return text + (f"; {twice:,} twice" if twice else "")


def forked(tracer):
    run = Run(tracer, "fork")
    out = run.wait(120)
    found, witness = run.end()
    made = sum(1 for count in witness[3:] if count)
    if out:
        children, ended = re.search(r"children (\d+) ended (\d+)", out).groups()
        text = f"{ended} of {children} children ended"
    else:
        text = "the parent hung"
    theirs = sum(len(set(numbers)) for who, numbers in found.items() if who >= 3)
    twice = sum(len(numbers) - len(set(numbers)) for numbers in found.values())
    parents = sum(witness[1:3]) - sum(len(set(found.get(who, ()))) for who in (1, 2))
    return (f"{text}; {theirs:,} of the {sum(witness[3:]):,} events of {made} children found, "
            f"{twice:,} twice; {parents:,} of the parent's {sum(witness[1:3]):,} lost")


def unloaded(tracer):
    run = Run(tracer, "unload")
    out = run.wait(120)
    code = run.process.returncode
    found, witness = run.end()
    match = re.search(r"unloaded (\d+) of (\d+)", out or "")
    if not match:
        return f"ended by {code} after {witness[2]:,}" if out is not None else "hung"
    lost = witness[1] - len(set(found.get(1, ())))
    return (f"{match[1]} of {match[2]} times it left memory; {len(found.get(2, ())):,} of its "
            f"{witness[2]:,} events found; {lost:,} of the others' {witness[1]:,} lost")


def left(tracer, how, times=5):
    """How long the end of the program takes, in ms: the median."""
    took = []
    for _ in range(times):
        run = Run(tracer, how, fifo=how == "exit")
        if how == "exit":
            until = time.monotonic() + HANGS
            while run.witness()[:1] != (5000,) and time.monotonic() < until:
                time.sleep(0.005)
            if run.witness()[0] != 5000:
                run.process.kill()
                emitted = run.witness()[0]
                run.wait(HANGS)
                run.end()
                return f"an event never returns (the {emitted + 1:,}th)"
            time.sleep(0.1)
            tracer.stall()
        out = ""
        try:
            out = run.process.communicate(b"\n", timeout=HANGS)[0].decode()
            now = time.monotonic_ns()
        except subprocess.TimeoutExpired:
            run.process.kill()
            run.wait(HANGS)
        run.end()
        match = re.search(r"leaving (\d+)", out)
        if not match:
            return f"it has not ended after {HANGS} s"
        took.append((now - int(match[1])) / 1e6)
    return f"{sorted(took)[len(took) // 2]:.1f} ms"


ROWS = [
    (f"{KILLS} times kill -9 at full speed", lambda t: killed(t, "run", KILLS)),
    ("5 times SIGSEGV at full speed", lambda t: killed(t, "crash", 5)),
    ("100 forks while two threads emit", forked),
    ("1,000 times dlopen, an event, dlclose while a thread emits", unloaded),
    ("exit while nobody reads", lambda t: left(t, "exit")),
    ("the main thread ends by pthread_exit(), another one later", lambda t: left(t, "main", 1)),
]


def main():
    if os.geteuid() == 0 and "TRUST_APART" not in os.environ:
        os.environ["TRUST_APART"] = "1"
        os.makedirs("/run/lttng", exist_ok=True)
        script = 'mount -t tmpfs none /run/lttng && exec python3 -B "$0" "$@"'
        os.execvp("unshare", ["unshare", "-m", "sh", "-c", script, *sys.argv])
    build = os.path.abspath(sys.argv[1])
    only = sys.argv[2:]
    random.seed(5)
    tracers = [c(build) for c in (Rill, Lttng, SpdlogSync, SpdlogBlock, SpdlogOverrun)]
    for title, measure in ROWS:
        if only and not any(word in title for word in only):
            continue
        print(f"\n{title}\n")
        for tracer in tracers:
            tracer.remark = None
            text = measure(tracer)
            print(f"    {tracer.name}: {text}{f'; {tracer.remark}' if tracer.remark else ''}", flush=True)


main()
