"""What a build is trained with: the golden cases, and the requests of shops over all ways to authenticate. The request that is
measured with is not among them."""

import signal
import subprocess

import targets
from experiments import merchants_of_all_ways
from lab import ROOT, Lab

# How many seconds each sample is sent: as shops send them, and what takes longer counts for more by itself.
SECONDS = {"auth_30": 4, "auth_45": 4, "capture_12": 2, "create_45": 2, "sale_60_offers": 1}
# What the sandbox takes: a capture names an authorization, and none was made there.
MADE_THERE = ["auth_30", "auth_45", "create_45", "sale_60_offers"]
CONNECTIONS = 16


def train(helpers, binary):
    """Has the program do what it is for; each of its processes ends by itself, for then it tells what it did."""
    subprocess.run([binary, "golden", ROOT / "golden"], check=True, stdout=subprocess.DEVNULL)
    with Lab() as lab:
        merchants, plain, sealing = merchants_of_all_ways(lab, helpers)
        first, *others = merchants
        for number, journal in enumerate(["memory:", f"file:{lab.folder}/journal"]):
            gateway = targets.gateway(lab, binary, plain, f"gateway{number}", merchants, journal)
            for sample, seconds in SECONDS.items():
                send(lab, gateway, first, sample, seconds)
            for merchant in others:
                # They only prove in another way who they are.
                send(lab, gateway, merchant, "auth_30", 1)
            ended(lab, gateway.process)
        # What makes several calls, and is answered each time with what was asked for.
        gateway = targets.sandbox(lab, binary)
        for sample in MADE_THERE:
            send(lab, gateway, "mid1234", sample, 1)
        ended(lab, gateway.process)


def send(lab, gateway, merchant, sample, seconds):
    text = (ROOT / "benches" / "stages" / f"{sample}.scmp").read_text()
    gateway.request = lab.folder / f"{merchant}-{sample}.scmp"
    gateway.request.write_text(text.replace("merchant_id=mid1234", f"merchant_id={merchant}"))
    # One that was refused would be trained as what is usual.
    gateway.check()
    told = lab.wrk(gateway.url, gateway.request, CONNECTIONS, seconds)
    if told["failed"] or not told["requests"]:
        raise SystemExit(f"{sample} of {merchant}: {told}\n{gateway.process.log.read_text()[-2000:]}")


def ended(lab, process):
    process.ends_with = signal.SIGTERM
    lab.stop(process)
    if process.child.returncode:
        raise SystemExit(f"{process.name} ended with {process.child.returncode}:\n{process.log.read_text()[-2000:]}")
