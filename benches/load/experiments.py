"""What is measured, one function a question. Each prints its table."""

import contextlib
import http.client
import math
import os
import re
import shutil
import socket
import statistics
import subprocess
import threading
import time
from pathlib import Path

import targets
from lab import HERE, ROOT, Lab, best_rate, quietest
from report import bars, count, ms, table

CONNECTIONS = (1, 16, 64)
TURNS = 150
# What aws-lc reads before it looks at what the processor can do: without AVX-512 IFMA a private operation takes twice as long.
OLDER_PROCESSOR = {"OPENSSL_ia32cap": ":~0x200000"}
# A gateway's own way to authenticate, as the lines of a merchant's table.
WAYS = ("HS256", "HTTP Signature", "RS256", "HS256, request sealed", "HS256, both sealed", "RS256, both sealed")


def rounds(lab, options, targets_, connections, seconds=None):
    """Every target in turn within a round: what disturbs one disturbs its neighbours, too."""
    lab.warm(targets_)
    runs = {target.name: [] for target in targets_}
    for _ in range(options.rounds):
        for target in targets_:
            lab.measure(target, connections, 1)
            runs[target.name].append(lab.measure(target, connections, seconds or options.seconds))
    return runs


def ratios(options, helpers, binary):
    """The gateway beside nginx and a bare pass-through, TLS to the upstream."""
    cells = {}
    with Lab() as lab:
        upstream = targets.upstream(lab, helpers)
        driven = [targets.nginx(lab, upstream), targets.bare(lab, helpers, upstream)]
        driven.append(targets.bare(lab, helpers, upstream, 1, "bare, 1 worker"))
        driven += [targets.gateway(lab, path, upstream, name)
                   for name, path in [("gateway", binary), *options.also]]
        for target in driven:
            target.check()
        for connections in options.connections or CONNECTIONS:
            cells[connections] = rounds(lab, options, driven, connections)
            print(ratio_table(connections, cells[connections]))
    names = [target.name for target in driven]
    groups = {f"{connections} connections": [quietest(runs[name]).cpu_10k * 100 for name in names]
              for connections, runs in cells.items()}
    if options.record:
        plot = bars("Processor time of a request, TLS to the upstream", groups, names, "µs")
        (ROOT / "docs" / "performance.svg").write_text(plot)


def ratio_table(connections, runs):
    rows = []
    for name, of in runs.items():
        run = quietest(of)
        spread = max(run.cpu_10k for run in of) / run.cpu_10k - 1
        rows.append([name, count(best_rate(of)), ms(run.p50), ms(run.p99), f"{run.cpu_10k:.3f}", f"+{spread:.0%}",
                     f"{run.busy:.0%}", f"{run.rss_mib:.0f}", by_round(of, runs["nginx"], lambda own, other: own.rate / other.rate),
                     by_round(of, runs["nginx"], lambda own, other: other.cpu_10k / own.cpu_10k),
                     by_round(of, runs["bare"], lambda own, other: own.cpu_10k / other.cpu_10k)])
    head = [f"{connections} connections", "req/s", "p50 ms", "p99 ms", "CPU s/10k", "spread", "busy", "MiB", "x nginx",
            "x nginx a core", "x bare CPU"]
    return table(head, rows)


def by_round(own, others, ratio):
    """The median of a ratio within each round: what disturbs a round disturbs both."""
    return f"{statistics.median(map(ratio, own, others)):.2f}"


def turns(options, helpers, binary):
    """The ratios once more, with their errors: short turns, many of them."""
    with Lab() as lab:
        upstream = targets.upstream(lab, helpers)
        driven = [targets.bare(lab, helpers, upstream), targets.nginx(lab, upstream)]
        # What nobody who signs stays below.
        driven.append(targets.bare(lab, helpers, upstream, name="bare, signing", arguments=["--signs", "hs256"]))
        driven += [targets.gateway(lab, path, upstream, name) for name, path in [("gateway", binary), *options.also]]
        for target in driven:
            target.check()
        for connections in options.connections or (16, 64):
            bare, nginx, *others = lab.in_turn(driven, connections, TURNS)
            rows = []
            for target, runs in zip(driven, (bare, nginx, *others)):
                cost = [ran for _, ran in runs]
                rows.append([target.name, count(statistics.median(rate for rate, _ in runs)),
                             f"{statistics.median(cost) * 1e6:.1f}", likely(cost, [ran for _, ran in bare]),
                             likely([rate for rate, _ in runs], [rate for rate, _ in nginx])])
            print(table([f"{connections} connections", "req/s", "CPU µs a request", "x bare CPU", "x nginx"], rows) + "\n")


def signing(options, helpers, binary):
    """What cryptography alone adds to a bare pass-through: the least that a gateway can do with."""
    with Lab() as lab:
        upstream = targets.upstream(lab, helpers)
        key, _, _ = targets.rsa_pair(lab, "merchant", "7000000000000000001")
        kinds = {"aws-lc": [], "ring": ["--crypto", "ring"], "aws-lc, HS256": ["--signs", "hs256"],
                 "ring, HS256": ["--crypto", "ring", "--signs", "hs256"], "aws-lc, RS256": ["--signs", "rs256", "--key", key]}
        driven = [targets.bare(lab, helpers, upstream, name=name, arguments=more) for name, more in kinds.items()]
        for target in driven:
            target.check()
        bare, *others = lab.in_turn(driven, 16, TURNS)
        rows = [[target.name, count(statistics.median(rate for rate, _ in runs)),
                 f"{statistics.median(ran for _, ran in runs) * 1e6:.1f}", likely([ran for _, ran in runs], [ran for _, ran in bare])]
                for target, runs in zip(driven, (bare, *others))]
        private, each = rsa_cost(lab, helpers)["sign_ns"] / 1e9, statistics.median(ran for _, ran in others[-1])
    print(table(["bare pass-through, 16 connections", "req/s", "CPU µs a request", "x without signing"], rows))
    print(f"With RS256 {private / each:.0%} of its time are private operations ({private * 1e6:.0f} µs each).\n")


def likely(own, others):
    """The mean of a ratio over the rounds, and its error."""
    logs = [math.log(one / other) for one, other in zip(own, others)]
    error = statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else 0
    return f"{math.exp(statistics.mean(logs)):.3f} ± {error * math.exp(statistics.mean(logs)):.3f}"


def ways(options, helpers, binary):
    """Capacity of one core for each way to authenticate, against what the RSA work alone would allow."""
    with Lab() as lab:
        merchants, plain, sealing = merchants_of_all_ways(lab, helpers)
        for env in (None, OLDER_PROCESSOR):
            if env and "avx512ifma" not in Path("/proc/cpuinfo").read_text():
                continue
            cost = rsa_cost(lab, helpers, env)
            gateway = targets.gateway(lab, binary, plain, merchants=merchants, env=env)
            rows = []
            for number, way in enumerate(WAYS):
                private = ("RS256" in way) * cost["sign_ns"] + ("both" in way) * cost["open_ns"]
                if env and not private:
                    continue
                gateway.upstream = sealing if "both" in way else plain
                gateway.request = targets.request_of(lab, f"way{number}")
                gateway.check()
                runs = rounds(lab, options, [gateway], 16)["gateway"]
                run, ceiling, a_core = quietest(runs), 1e9 / private if private else None, 10_000 / quietest(runs).cpu_10k
                rows.append([way, count(best_rate(runs)), count(a_core), count(ceiling) if ceiling else "",
                             f"{a_core / ceiling:.0%}" if ceiling else "", ms(run.p50), ms(run.p99), f"{run.cpu_10k:.2f}"])
            where = "on a processor without AVX-512 IFMA (this one, masked)" if env else "here"
            print(f"A private operation {where}: {cost['sign_ns'] / 1000:.0f} µs to sign, {cost['open_ns'] / 1000:.0f} µs to open.\n")
            print(table(["way", "req/s", "req/s of a whole core", "ceiling", "share", "p50 ms", "p99 ms", "CPU s/10k"], rows))
            lab.stop(gateway.process)


def merchants_of_all_ways(lab, helpers):
    key, certificate, _ = targets.rsa_pair(lab, "merchant", "7000000000000000001")
    _, provider, _ = targets.rsa_pair(lab, "CyberSource_SJC_US", "7000000000000000002")
    response_key, response, public = targets.rsa_pair(lab, "response", "7000000000000000003")
    plain = targets.upstream(lab, helpers)
    sealing = targets.upstream(lab, helpers, "sealing", seal_for=public)
    signs = f'certificate_file = "{certificate}"\nprivate_key_file = "{key}"\n'
    seals = f'mle_certificate_file = "{provider}"\n'
    opens = (f'mle = "both"\n{seals}mle_response_private_key_file = "{response_key}"\n'
             f'mle_response_certificate_file = "{response}"\n')
    targets.trust_both(plain, sealing)
    there = f'base_url = "{sealing.url}"\n'
    lines = (targets.shared_secret(), targets.shared_secret('auth = "http_signature"\n'), signs,
             targets.shared_secret(f'mle = "request"\n{seals}'), targets.shared_secret(opens + there),
             signs + opens + there)
    return {f"way{number}": text for number, text in enumerate(lines)}, plain, sealing


def rsa_cost(lab, helpers, env=None):
    told = subprocess.run([helpers / "rsa", "--key", lab.folder / "merchant.key.pem"], capture_output=True, text=True,
                          check=True, env={**os.environ, **(env or {})})
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", told.stdout)}


def neighbour(options, helpers, binary):
    """What a merchant with a shared secret notices of one whose RSA work fills the pool."""
    # A host's own disturbances make most of a p99, and last for seconds: so many short rounds, and of each the ratio.
    with Lab() as lab:
        merchants, plain, sealing = merchants_of_all_ways(lab, helpers)
        gateway = targets.gateway(lab, binary, plain, merchants=merchants)
        quiet, rows, failed = targets.request_of(lab, "way0"), [], 0
        # The first of each has no RSA work, and sends some 3,000 requests a second: what is noticed of anybody.
        cases = [(cores, way) for cores in ("one core", "both cores") for way in ("way1", "way2", "way5")]
        for cores, noisy in cases:
            if cores == "both cores" and gateway.process.name == "gateway":
                lab.stop(gateway.process)
                both = lab.load_core | lab.proxy_core
                gateway = targets.gateway(lab, binary, plain, "wide", merchants, cores=both)
            gateway.request = quiet
            lab.warm([gateway])
            alone, beside, noise = [], [], []
            for _ in range(5 * options.rounds):
                alone.append(lab.wrk(gateway.url, quiet, 16, 2, pause_ms=10))
                other = Driven(lab, gateway.url, targets.request_of(lab, noisy), 4, pause_ms=5 if noisy == "way1" else 0)
                time.sleep(1)
                beside.append(lab.wrk(gateway.url, quiet, 16, 2, pause_ms=10))
                noise.append(other.told())
            failed += sum(run["failed"] for run in alone + beside + noise)
            # What the gateway makes of it shows in the quieter rounds of each; the others are the host's.
            quieter = lambda runs, of: statistics.quantiles([run[of] for run in runs], n=4)[0]
            whole = statistics.median(with_it["p99"] / without["p99"] for without, with_it in zip(alone, beside))
            rows.append([f"{cores}, beside {WAYS[int(noisy[3:])]}", count(max(run["requests"] / run["us"] * 1e6 for run in noise)),
                         *(ms(quieter(runs, of)) for of in ("p50", "p99") for runs in (alone, beside)),
                         f"{quieter(beside, 'p99') / quieter(alone, 'p99'):.2f}", f"{whole:.2f}"])
    print(table(["HS256, 16 connections with pauses of 10 ms", "the other's req/s", "p50 alone", "p50 beside", "p99 alone",
                 "p99 beside", "x", "x, middle round"], rows))
    print(f"Failed: {failed}.\n")


class Driven:
    """A load that runs beside another."""

    def __init__(self, lab, url, request, seconds, connections=16, pause_ms=0):
        self.result = None
        work = lambda: lab.wrk(url, request, connections, seconds, pause_ms)
        self.thread = threading.Thread(target=lambda: setattr(self, "result", work()))
        self.thread.start()

    def told(self):
        self.thread.join()
        return self.result


def service(options, helpers, binary):
    """Latencies and memory with 1 to 1,000 connections, with each journal."""
    with Lab() as lab:
        upstream = targets.upstream(lab, helpers)
        slow = targets.upstream(lab, helpers, "slow", delay=50)
        rows = []
        for kind, journal in journal_urls(lab).items():
            for behind, crowds in ((upstream, (1, 16, 64)), (slow, (1000,))):
                gateway = targets.gateway(lab, binary, behind, journal=journal)
                for connections in crowds:
                    run = quietest(rounds(lab, options, [gateway], connections)["gateway"])
                    crowd = f"{connections:,}{', upstream takes 50 ms' if behind is slow else ''}"
                    rows.append([kind, crowd, count(run.rate), ms(run.p50), ms(run.p99), ms(run.p999), f"{run.cpu_10k:.3f}",
                                 f"{run.rss_mib:.0f}"])
                lab.stop(gateway.process)
        print(table(["journal", "connections", "req/s", "p50 ms", "p99 ms", "p99.9 ms", "CPU s/10k", "MiB"], rows))


def journal_urls(lab):
    """Each kind of journal, and where this lab has one."""
    urls = {"memory:": "memory:", "file:": f"file:{lab.folder}/journal"}
    if there := targets.postgres(lab):
        urls["postgres:"] = there
    return urls


def memory(options, helpers, binary):
    """What an idle gateway takes, and what a request in flight does, by the slope from so many at a time to more."""
    # A large page more or less is 8 KiB for each of 250: of several gateways the one in the middle.
    idle, counts = [], (250, 500, 1000)
    kept, loaded, bare = ({many: [] for many in counts} for _ in range(3))
    for many in counts * options.rounds:
        with Lab() as lab:
            quick, slow = targets.upstream(lab, helpers), targets.upstream(lab, helpers, "slow", delay=3000)
            targets.trust_both(slow, quick)
            merchants = {"mid1234": targets.shared_secret(), "quick": targets.shared_secret(f'base_url = "{quick.url}"\n')}
            gateway = targets.gateway(lab, binary, slow, merchants=merchants)
            # By then it has given back what its start took for a moment.
            time.sleep(4)
            idle.append((gateway.process.rss_mib(), gateway.process.own_mib()))
            # What the journal in memory holds is no request's own: until it is full.
            lab.wrk(gateway.url, targets.request_of(lab, "quick"), 1, 2)
            kept[many].append(held(gateway, many, times=4))
        with Lab() as lab:
            upstream = targets.upstream(lab, helpers, delay=100)
            gateway, passes = targets.gateway(lab, binary, upstream), targets.bare(lab, helpers, upstream)
            loaded[many].append(in_load(lab, gateway, many))
            bare[many].append(in_load(lab, passes, many))
    whole, own = max(idle)
    print(f"Idle: {whole:.1f} MiB, of which {own:.1f} are its own, and the rest pages of files that are mapped.\n")
    rows = []
    for few, many in ((250, 500), (500, 1000), (250, 1000)):
        slope = lambda low, high: (statistics.median(high) - statistics.median(low)) * 1024 / (many - few)
        each = [slope(low, high) for low, high in zip(zip(*kept[few]), zip(*kept[many]))]
        rows.append([f"{few} to {many}", f"{each[0]:.0f}", f"{min(each[1:]):.0f} to {max(each[1:]):.0f}",
                     f"{slope(loaded[few], loaded[many]):.0f}", f"{slope(bare[few], bare[many]):.0f}"])
    print(table(["requests at a time", "KiB each, on new connections", "on used ones", "in load", "bare, in load"], rows))


def in_load(lab, target, many):
    """The memory that is a target's own while so many connections are used again and again, each for the sixtieth time and more."""
    load, taken = Driven(lab, target.url, target.request, 9, many), []
    # 250 connections need so long to fill the journal in memory.
    time.sleep(6)
    for _ in range(8):
        taken.append(target.process.own_mib())
        time.sleep(0.25)
    load.told()
    return statistics.mean(taken)


def held(gateway, many, times):
    """The memory that is a gateway's own with so many requests waiting for upstream, on the same connections again and again."""
    body = (HERE / "request.scmp").read_bytes()
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    port, taken = int(gateway.url.rsplit(":", 1)[1].strip("/")), []
    with contextlib.ExitStack() as open_ones:
        there = [open_ones.enter_context(socket.create_connection(("127.0.0.1", port), 30)) for _ in range(many)]
        for _ in range(times):
            before = gateway.upstream.count()
            for one in there:
                one.sendall(request)
            time.sleep(1.6)
            # The upstream counts what comes, and keeps it waiting for longer than this.
            waiting = gateway.upstream.count() - before
            taken.append(gateway.process.own_mib())
            if waiting != many:
                raise SystemExit(f"{waiting} of {many} requests were in flight")
            for one in there:
                answer = http.client.HTTPResponse(one)
                answer.begin()
                if b"ics_rcode=1\n" not in answer.read():
                    raise SystemExit("a request failed")
    return taken


def runtimes(options, helpers, binary):
    """One gateway on both cores against one on each, which share nothing. All share the cores with the load."""
    with Lab() as lab:
        upstream = targets.upstream(lab, helpers)
        cores = sorted(lab.load_core | lab.proxy_core)
        one = [targets.gateway(lab, binary, upstream, "wide", cores=set(cores))]
        each = [targets.gateway(lab, binary, upstream, f"core {core}", cores={core}) for core in cores]
        lab.warm(one + each)
        rows, first = [], None
        for name, driven in (("one gateway, two threads", one), ("two gateways, a core each", each)):
            runs = [driven_together(lab, driven, 32 // len(driven), options.seconds) for _ in range(options.rounds)]
            rate, cpu, p99 = min(runs, key=lambda run: run[1])
            first = first or cpu
            rows.append([name, count(rate), ms(p99), f"{cpu:.3f}", f"{cpu / first:.2f}"])
    print(table(["32 connections, both cores", "req/s", "p99 ms", "CPU s/10k", "x CPU"], rows))


def driven_together(lab, driven, connections, seconds):
    """Drives several gateways at once: requests a second, processor time of 10,000 requests, the worst p99."""
    before = sum(target.process.cpu() for target in driven)
    loads = [Driven(lab, target.url, target.request, seconds, connections) for target in driven]
    told = [load.told() for load in loads]
    cpu = sum(target.process.cpu() for target in driven) - before
    requests = sum(run["requests"] for run in told)
    if any(run["failed"] for run in told):
        raise SystemExit(f"failed: {told}")
    return requests / (told[0]["us"] / 1e6), cpu / requests * 10_000, max(run["p99"] for run in told)


def merchants(options, helpers, binary):
    """Whether the number of merchants is felt."""
    with Lab() as lab:
        upstream, driven = targets.upstream(lab, helpers), []
        for number in (1, 10, 1_000, 10_000):
            lines = {f"m{at}": targets.shared_secret() for at in range(number - 1)}
            lines["mid1234"] = targets.shared_secret()
            driven.append(targets.gateway(lab, binary, upstream, f"{number:,}", lines))
        runs = rounds(lab, options, driven, 16)
    print(flat_table("merchants", runs))


def tables(options, helpers, binary):
    """Whether the length of the tables is felt: the same with nine more fields and lines for each that is there."""
    with Lab() as lab:
        upstream = targets.upstream(lab, helpers)
        longer = longer_tables(lab)
        driven = [targets.gateway(lab, binary, upstream, "as they are"),
                  targets.gateway(lab, binary, upstream, "ten times the fields", arguments=("--mappings", longer))]
        runs = rounds(lab, options, driven, 16)
    print(flat_table("tables", runs))


def longer_tables(lab):
    """A copy of the tables with nine more for each field, and for each line of the payment's body."""
    folder = lab.folder / "mappings"
    shutil.copytree(ROOT / "mappings", folder)
    fields = sum(path.read_text().count("= {") for path in (folder / "fields").glob("*.toml"))
    more = [f"load_{number}" for number in range(9 * fields)]
    with open(folder / "fields" / "merchant_data.toml", "a") as file:
        file.writelines(f"{name} = {{ max = 255 }}\n" for name in more)
    body = folder / "bodies" / "payment.toml"
    lines = [f'  {{ field = "{name}", path = "merchantDefinedInformation[key={name}].value" }},\n' for name in more]
    head, last, tail = body.read_text().rpartition('  { field = "merchant_defined_data100"')
    body.write_text(head + "".join(lines) + last + tail)
    return folder


def compare(builds, helpers, options):
    """Two builds in short turns: the ratio of their processor time, and its error, so that a regression is seen."""
    rows, worst = [], 0
    with Lab() as lab:
        upstream = targets.upstream(lab, helpers)
        driven = [targets.gateway(lab, binary, upstream, name) for name, binary in builds]
        for target in driven:
            target.check()
        for connections in options.connections or CONNECTIONS:
            before, after = ([ran for _, ran in runs] for runs in lab.in_turn(driven, connections, options.rounds))
            ratio = likely(after, before)
            worst = max(worst, float(ratio.split()[0]))
            rows.append([f"{connections} connections", *(f"{statistics.median(each) * 1e6:.1f}" for each in (before, after)), ratio])
    print(table(["CPU µs a request", *(name for name, _ in builds), "ratio"], rows))
    return worst


def journals(options, helpers, binary):
    """What keeping a record durably costs."""
    with Lab() as lab:
        upstream = targets.upstream(lab, helpers)
        driven = [targets.gateway(lab, binary, upstream, kind, journal=url) for kind, url in journal_urls(lab).items()]
        runs = rounds(lab, options, driven, 16)
        print(flat_table("journal, 16 connections", runs))


def handshake(options, helpers, binary):
    """What a new connection costs, with and without resumed sessions."""
    with Lab() as lab:
        upstream = targets.upstream(lab, helpers)
        argv = [helpers / "handshake", "--to", f"127.0.0.1:{upstream.port}", "--trust", upstream.certificate]
        told = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=True).stdout
    full, resumed = (int(value) for value in re.findall(r"=(\d+)", told))
    print(f"A new connection, from TCP to the first reply: {full} µs, {resumed} µs where the session is resumed.\n")


def profile(options, helpers, binary):
    """Where the time goes: needs perf, and a gateway built with CARGO_PROFILE_RELEASE_STRIP=none (and DEBUG=1)."""
    with Lab() as lab:
        gateway = targets.gateway(lab, binary, targets.upstream(lab, helpers))
        lab.warm([gateway])
        data = Path(options.perf_data or lab.folder / "perf.data")
        other = Driven(lab, gateway.url, gateway.request, options.seconds + 2)
        time.sleep(1)
        argv = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "-g", "-p", gateway.process.child.pid, "-o", data,
                "--", "sleep", options.seconds]
        subprocess.run([str(word) for word in argv], check=True)
        other.told()
        argv = ["perf", "report", "-i", data, "--stdio", "--no-children", "-g", "none", "--percent-limit", "0.5", "--sort",
                "dso,symbol"]
        told = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=True).stdout
    lines = [line.rstrip() for line in told.splitlines() if line.strip() and not line.startswith("#")]
    print("\n".join(lines[:options.lines]) + "\n")


def flat_table(what, runs):
    first = quietest(next(iter(runs.values())))
    rows = []
    for name, of in runs.items():
        run = quietest(of)
        rows.append([name, count(best_rate(of)), ms(run.p50), ms(run.p99), f"{run.cpu_10k:.3f}", f"{run.rss_mib:.0f}",
                     f"{run.cpu_10k / first.cpu_10k:.2f}"])
    return table([what, "req/s", "p50 ms", "p99 ms", "CPU s/10k", "MiB", "x CPU"], rows)
