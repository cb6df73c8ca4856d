"""The place of a measurement: processes on cores of their own, wrk, and figures. No process outlives it."""

import contextlib
import ctypes
import os
import random
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
# A turn of a target, and what is left for requests that are under way at its end; seconds.
TURN, QUIET = 0.12, 0.01
# How long a gateway works before it is measured, in seconds.
WARM = 15
# How long Linux waits, in milliseconds, before it looks for the next few small pages that it can make large ones.
LOOKS = Path("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs")
OFTEN = "20"


@dataclass
class Figures:
    """What one run showed; times in microseconds."""

    requests: int
    seconds: float
    p50: int
    p99: int
    p999: int
    cpu: float
    rss_mib: float

    @property
    def rate(self):
        return self.requests / self.seconds

    @property
    def cpu_10k(self):
        return self.cpu / self.requests * 10_000

    @property
    def busy(self):
        return self.cpu / self.seconds


class Process:
    """A child that ends with its lab, however that ends."""

    def __init__(self, lab, name, argv, core, env=None):
        self.name = name
        self.ends_with = signal.SIGKILL
        self.log = lab.folder / f"{name}.log"
        with open(self.log, "wb") as log:
            # What it says goes through a pipe, as under systemd and in containers.
            self.reader = subprocess.Popen(
                ["cat"], stdin=subprocess.PIPE, stdout=log, preexec_fn=lambda: settle(lab.load_core))
        self.child = subprocess.Popen(
            [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=self.reader.stdin, stderr=self.reader.stdin,
            cwd=lab.folder, env={**os.environ, **(env or {})}, preexec_fn=lambda: settle(core))
        self.reader.stdin.close()

    def cpu(self):
        """Seconds of processor time, user and system, of all its threads."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def run_seconds(self):
        """The same to the nanosecond, for short stretches; a thread that ended meanwhile is missing."""
        ran = (Path(task) / "schedstat" for task in Path(f"/proc/{self.child.pid}/task").iterdir())
        return sum(int(task.read_text().split()[0]) for task in ran) / 1e9

    def rss_mib(self):
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def own_mib(self):
        """Without the pages of files that are mapped, which the system takes back when it needs them."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(self.ends_with)
        for one in (self.child, self.reader):
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


def awake():
    """Keeps idle cores from sleeping, as long as what it gives is open; nothing where that is not allowed.

    Wrk and the upstream share a core. The slower a proxy is, the more often they sleep, and the proxy pays for waking them:
    an interrupt to another core, on a virtual machine several microseconds. Between machines a network card does that."""
    try:
        latency = os.open("/dev/cpu_dma_latency", os.O_WRONLY)
        os.write(latency, bytes(4))
        return latency
    except OSError:
        return None


@contextlib.contextmanager
def looking_often():
    """Has Linux look all the time for small pages that it can make large ones; as it does anyway where that is not allowed.

    Else it takes 10 to 20 seconds for one gateway, and minutes for each that runs beside it: their memory would lie otherwise."""
    try:
        usual = LOOKS.read_text()
        # Another lab has it look often already, and ends that itself.
        if usual.strip() == OFTEN:
            usual = None
        else:
            LOOKS.write_text(OFTEN)
    except OSError:
        usual = None
    try:
        yield
    finally:
        if usual is not None:
            LOOKS.write_text(usual)


def settle(cores):
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.sched_setaffinity(0, cores)


class Lab:
    """Starts and measures."""

    def __init__(self, proxy_cores=None):
        available = sorted(os.sched_getaffinity(0))
        if len(available) < 2:
            raise SystemExit("two cores are needed: one for the proxy, one for load and upstream")
        self.load_core = {available[0]}
        self.proxy_core = proxy_cores or {available[-1]}
        self.folder = Path(tempfile.mkdtemp(prefix="load-"))
        self.processes = []
        self.copies = {}
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, 65536), limit))
        self.awake = awake()
        # So that all is put back then, too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.awake is not None:
            os.close(self.awake)
        for process in reversed(self.processes):
            process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def installed(self, program):
        """A program as `install` leaves it, which is how it comes to where it runs.

        Linux keeps it in memory as it was written: by 64 KiB. What a linker left lies page by page, and its code in other lines
        of the processor's caches with each build."""
        program = shutil.which(program) or sys.exit(f"{program} is no program that can be run")
        if program not in self.copies:
            folder = self.folder / f"installed-{len(self.copies)}"
            folder.mkdir(mode=0o755)
            subprocess.run(["install", "-m", "755", program, folder], check=True)
            self.copies[program] = folder / Path(program).name
        return self.copies[program]

    def start(self, name, argv, core, port, env=None):
        process = Process(self, name, argv, core, env)
        self.processes.append(process)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if process.child.poll() is not None:
                process.stop()
                raise SystemExit(f"{name} ended:\n{process.log.read_text(errors='replace')[-2000:]}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return process
            time.sleep(0.02)
        raise SystemExit(f"{name} does not listen")

    def stop(self, process):
        process.stop()
        self.processes.remove(process)

    def wrk(self, url, request, connections, seconds, pause_ms=0):
        """Drives a URL; gives what wrk counted."""
        ran = subprocess.run(check=True, **self.wrk_call(url, request, connections, seconds, pause_ms))
        found = re.search(r"^LOAD (.*)$", ran.stdout, re.M)
        return {name: int(value) for name, value in (pair.split("=") for pair in found[1].split())}

    def wrk_call(self, url, request, connections, seconds, pause_ms=0):
        argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", HERE / "post.lua", url]
        return {"args": [str(word) for word in argv], "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                "env": {**os.environ, "LOAD_REQUEST": str(request), "LOAD_PAUSE_MS": str(pause_ms)},
                "preexec_fn": lambda: settle(self.load_core)}

    def warm(self, driven):
        """Has all that are still cold work at once, until their memory lies as it does in a day's work."""
        cold = [one for one in driven if not one.warm]
        if not cold:
            return
        with looking_often():
            loads = [subprocess.Popen(**self.wrk_call(one.url, one.request, 16, WARM)) for one in cold]
            try:
                for one, load in zip(cold, loads):
                    told, _ = load.communicate()
                    if load.returncode or " failed=0 " not in told:
                        raise SystemExit(f"{one.name} fails while it warms up: {told}")
                    one.warm = True
            finally:
                for load in loads:
                    load.kill()

    def in_turn(self, driven, connections, rounds):
        """Drives targets of one upstream in short turns, in another order each round, for neighbours come and go by the
        second; gives of each, round by round, requests a second and processor time of a request in seconds."""
        self.warm(driven)
        upstream, runs = driven[0].upstream, [[] for _ in driven]
        loads = [subprocess.Popen(**self.wrk_call(one.url, one.request, connections, 3600)) for one in driven]
        try:
            time.sleep(1)
            for load in loads:
                load.send_signal(signal.SIGSTOP)
            time.sleep(QUIET)
            order = list(range(len(driven)))
            for _ in range(rounds):
                random.shuffle(order)
                for at in order:
                    process, load = driven[at].process, loads[at]
                    came, ran = upstream.count(), process.run_seconds()
                    load.send_signal(signal.SIGCONT)
                    time.sleep(TURN)
                    load.send_signal(signal.SIGSTOP)
                    time.sleep(QUIET)
                    came, ran = upstream.count() - came, process.run_seconds() - ran
                    if not came:
                        raise SystemExit(f"{driven[at].name} sent nothing on")
                    runs[at].append((came / TURN, ran / came))
        finally:
            for load in loads:
                load.kill()
                load.communicate()
        return runs

    def measure(self, target, connections, seconds, request=None):
        """One run against a target; a run in which something failed is no measurement."""
        request = request or target.request
        before = target.upstream.count()
        cpu = target.process.cpu() if target.process else 0
        told = self.wrk(target.url, request, connections, seconds)
        cpu = target.process.cpu() - cpu if target.process else 0
        rss = target.process.rss_mib() if target.process else 0
        came = target.upstream.count() - before
        # What is under way when wrk stops is counted by the upstream alone.
        if told["failed"] or not 0 <= came - told["requests"] <= 2 * connections:
            raise SystemExit(f"{target.name}: {told}, and {came} came to the upstream")
        return Figures(
            told["requests"], told["us"] / 1e6, told["p50"], told["p99"], told["p999"], cpu, rss)


@dataclass
class Upstream:
    """The other side."""

    process: Process
    port: int
    certificate: Path

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def count(self):
        context = ssl.create_default_context(cafile=str(self.certificate))
        with urllib.request.urlopen(f"{self.url}/count", context=context, timeout=10) as answer:
            return int(answer.read())


@dataclass
class Target:
    """What is driven, and where its requests end up."""

    name: str
    url: str
    process: Process
    upstream: Upstream
    request: Path = HERE / "request.scmp"
    warm: bool = False

    def check(self):
        """A reply that says success, before it is measured how fast it comes."""
        said = urllib.request.urlopen(urllib.request.Request(self.url, self.request.read_bytes()), timeout=30)
        text = said.read().decode()
        if "ics_rcode=1\n" not in text and '"AUTHORIZED"' not in text:
            raise SystemExit(f"{self.name} answers:\n{text}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def quietest(runs):
    """The run that was disturbed least: neighbours only ever add to what a request costs."""
    return min(runs, key=lambda run: run.cpu_10k or -run.rate)


def best_rate(runs):
    return max(run.rate for run in runs)
