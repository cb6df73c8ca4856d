"""What is measured: the upstream, nginx, the bare pass-through, and the gateway in its many settings."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from lab import HERE, ROOT, Target, Upstream, free_port

SECRET = "bG9hZC10ZXN0LXNlY3JldC1vZi0zMi1ieXRlcyEhISE="
KEY_ID = "7f6e5d4c-3b2a-4190-8f7e-6d5c4b3a2918"
# Where `scripts/release` puts the gateway.
RELEASED = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "released" / "scmp-gateway"


def build_helpers():
    """Builds the programs beside this script; gives the folder that they are in."""
    env = {**os.environ, "CARGO_TARGET_DIR": str(HERE / "target")}
    env["CARGO_TARGET_DIR"] = os.environ.get("LOAD_TARGET_DIR", env["CARGO_TARGET_DIR"])
    argv = ["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", HERE / "Cargo.toml"]
    subprocess.run([str(word) for word in argv], env=env, check=True)
    return Path(env["CARGO_TARGET_DIR"]) / "release"


def build_gateway():
    """The gateway as it is released."""
    if subprocess.run([ROOT / "scripts" / "release", "--output", RELEASED], stdout=subprocess.DEVNULL).returncode:
        sys.exit("nothing to measure; or name a binary: --binary")
    return RELEASED


def upstream(lab, helpers, name="upstream", delay=0, protocols="http/1.1", seal_for=None):
    port = free_port()
    certificate = lab.folder / f"{name}.pem"
    argv = [helpers / "upstream", "--listen", f"127.0.0.1:{port}", "--certificate", certificate,
            "--reply", HERE / "reply.json", "--delay", delay, "--protocols", protocols]
    if seal_for:
        argv += ["--seal-for", seal_for]
    return Upstream(lab.start(name, argv, lab.load_core, port), port, certificate)


def trust_both(upstream, other):
    """Puts the certificate of another upstream beside one's: in what the gateway trusts."""
    with open(upstream.certificate, "a") as bundle:
        bundle.write(other.certificate.read_text())


def nginx(lab, upstream):
    port = free_port()
    text = (HERE / "nginx.conf").read_text()
    places = {"folder": lab.folder, "listen": f"127.0.0.1:{port}", "certificate": upstream.certificate,
              "upstream": f"127.0.0.1:{upstream.port}"}
    for place, value in places.items():
        text = text.replace(f"@{place}@", str(value))
    path = lab.folder / "nginx.conf"
    path.write_text(text)
    process = lab.start("nginx", [lab.installed("nginx"), "-p", lab.folder, "-c", path], lab.proxy_core, port)
    return Target("nginx", f"http://127.0.0.1:{port}/", process, upstream)


def bare(lab, helpers, upstream, workers=0, name="bare", arguments=()):
    port = free_port()
    argv = [lab.installed(helpers / "pass_through"), "--listen", f"127.0.0.1:{port}", "--to", upstream.url,
            "--trust", upstream.certificate, "--workers", workers, *arguments]
    process = lab.start(name, argv, lab.proxy_core, port)
    return Target(name, f"http://127.0.0.1:{port}/", process, upstream)


def direct(upstream):
    return Target("direct", f"{upstream.url}/pts/v2/payments", None, upstream)


def gateway(lab, binary, upstream, name="gateway", merchants=None, journal="memory:", cores=None, arguments=(), env=None):
    """The gateway with these merchants (id to lines of its table), or with one that signs with a shared secret."""
    port, admin = free_port(), free_port()
    merchants = merchants or {"mid1234": shared_secret()}
    text = f"""
[server]
listen = "127.0.0.1:{port}"
admin = "127.0.0.1:{admin}"
max_connections = 8192
[limits]
requests = 8192
requests_per_merchant = 8192
[rest]
base_url = "{upstream.url}"
ca_file = "{upstream.certificate}"
[journal]
url = "{journal}"
"""
    for merchant, lines in merchants.items():
        text += f"[merchants.{merchant}]\n{lines}\n"
    path = lab.folder / f"{name}.toml"
    path.write_text(text)
    if journal.startswith("postgres:"):
        subprocess.run([binary, "journal", "migrate", "--config", path], check=True, stdout=subprocess.DEVNULL)
    argv = [lab.installed(binary), *arguments, "serve", "--config", path]
    process = lab.start(name, argv, cores or lab.proxy_core, port, env)
    return Target(name, f"http://127.0.0.1:{port}/", process, upstream)


def sandbox(lab, binary):
    """The gateway with the sandbox in its process, as it is tried out."""
    port, admin, rest = free_port(), free_port(), free_port()
    listen = {"--listen": port, "--admin": admin, "--sandbox-listen": rest}
    argv = [binary, "serve", "--sandbox", *(word for name, at in listen.items() for word in (name, f"127.0.0.1:{at}"))]
    process = lab.start("sandbox", argv, lab.proxy_core, port)
    return Target("sandbox", f"http://127.0.0.1:{port}/", process, None)


def postgres(lab):
    """The address of a PostgreSQL of this lab's own; nothing where none is installed."""
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found = max(installed, key=lambda path: float(path.parts[-3]), default=None)
    if not found:
        print("PostgreSQL is left out: apt-get install postgresql", file=sys.stderr)
        return None
    folder, port, user = lab.folder / "postgres", free_port(), []
    folder.mkdir()
    if os.geteuid() == 0:
        # It does not run as root.
        lab.folder.chmod(0o711)
        shutil.chown(folder, "postgres", "postgres")
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=KILL"]
    argv = [*user, found, "-A", "trust", "-U", "postgres", "--no-sync", "-D", folder / "data"]
    subprocess.run([str(word) for word in argv], check=True, capture_output=True, cwd=folder)
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder}
    argv = [*user, found.with_name("postgres"), "-D", folder / "data"]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    # It takes its shared memory away with it, and its own children.
    lab.start("postgres", argv, lab.load_core, port).ends_with = signal.SIGQUIT
    return f"postgres://postgres@127.0.0.1:{port}/postgres"


def shared_secret(more=""):
    return f'key_id = "{KEY_ID}"\nshared_secret = "{SECRET}"\n{more}'


def request_of(lab, merchant):
    """The request as another merchant's."""
    text = (HERE / "request.scmp").read_text().replace("merchant_id=mid1234", f"merchant_id={merchant}")
    path = lab.folder / f"{merchant}.scmp"
    path.write_text(text)
    return path


def rsa_pair(lab, name, serial):
    """A key of 2,048 bits with a certificate that bears this serial number: the files of both, and of the public key."""
    key, certificate, public = (lab.folder / f"{name}.{kind}.pem" for kind in ("key", "certificate", "public"))
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-keyout", key,
               "-out", certificate, "-subj", f"/CN={name}/serialNumber={serial}"]
    for argv in (openssl, ["openssl", "pkey", "-in", key, "-pubout", "-out", public]):
        subprocess.run([str(word) for word in argv], check=True, capture_output=True)
    return key, certificate, public
