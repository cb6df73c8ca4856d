"""Runs the scenario with the official Python SDK.

    python client.py CONFIG

CONFIG is a JSON file: the scenario, the URL of its operator, and the modes to run, each
with its name, the certificate to trust, whether messages are to be sealed, whether the secrets are
wrong, and the SDK's settings.
"""

import functools
import json
import re
import sys
import urllib.request
import uuid

import certifi
import CyberSource
import CyberSource.rest
from CyberSource.api_client import ApiClient
from CyberSource.rest import ApiException
from jwcrypto import jwk

from models import Models, snake

# What the SDK needs to run at all: its version look-up trips over another package's name.
ApiClient.get_client_id = lambda self: "cybs-rest-sdk-python"
# It checks the primes of its private keys anew for every call, which takes most of the time.
jwk.JWK.from_pem = staticmethod(functools.cache(jwk.JWK.from_pem))


def snake_body(value):
    """The SDK wants its bodies in snake case and writes them in camel case again."""
    if isinstance(value, dict):
        return {key if key.startswith("_") else snake(key): snake_body(item) for key, item in value.items()}
    if isinstance(value, list):
        return [snake_body(item) for item in value]
    return value


def fill(value, saved):
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda match: saved[match.group(1)], value)
    if isinstance(value, dict):
        return {key: fill(item, saved) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, saved) for item in value]
    return value


def at(value, path):
    for part in path.split("."):
        if isinstance(value, list):
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value


def classes():
    """The class of the SDK that has each operation."""
    found = {}
    for name in dir(CyberSource):
        if name.endswith("Api"):
            for operation in vars(getattr(CyberSource, name)):
                found.setdefault(operation, getattr(CyberSource, name))
    return found


class Client:
    def __init__(self, mode, models):
        self.mode = mode
        self.models = models
        self.classes = classes()
        self.saved = {"unique": uuid.uuid4().hex[:20], "profile": str(uuid.uuid4())}
        self.calls = 0
        self.unexpected = []

    def call(self, step):
        """Status, body and ETag of one call."""
        api = self.classes[snake(step["do"])](self.mode["settings"])
        body = json.dumps(snake_body(fill(step.get("body"), self.saved)))
        arguments = [body if one == "$body" else fill(one, self.saved) for one in step.get("args", [])]
        options = step.get("options", {}).items()
        options = {snake(name): body if one == "$body" else fill(one, self.saved) for name, one in options}
        try:
            _, status, text = getattr(api, snake(step["do"]))(*arguments, **options)
            etag = api.api_client.last_response.urllib3_response.headers.get("etag")
        except ApiException as refused:
            status, text, etag = refused.status, refused.body, None
        try:
            body = json.loads(text) if text else None
        except ValueError:
            body = text
        return status, body, etag

    def run(self, step):
        self.calls += 1
        try:
            status, body, etag = self.call(step)
        except Exception as error:  # a reply that the SDK's types do not take, above all
            self.unexpected.append(f"{step['do']}: {type(error).__name__}: {error}")
            return
        is_refused = not self.mode.get("jwt") and "unsealed" in step
        wanted = 401 if self.mode.get("wrong") else step["unsealed"] if is_refused else step["expect"]
        if status != wanted:
            self.unexpected.append(f"{step['do']}: {status} instead of {wanted}: {body}")
            return
        if self.mode.get("wrong") or is_refused:
            return
        if self.models and 200 <= status < 300:
            for fault in self.models.faults(snake(step["do"]), body):
                self.unexpected.append(f"{step['do']}: model: {fault}")
        for path, value in step.get("check", {}).items():
            found = at(body, path)
            if found != fill(value, self.saved):
                self.unexpected.append(f"{step['do']}: {path} is {found!r} instead of {value!r}")
        for name, path in step.get("save", {}).items():
            self.saved[name] = etag if path == "@etag" else at(body, path)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        config = json.load(file)
    with open(config["scenario"], encoding="utf-8") as file:
        scenario = json.load(file)
    failed = False
    models = Models.from_environment()
    for mode in config["modes"]:
        if mode.get("ca"):
            # The SDK trusts what certifi has and nothing else.
            certifi.where = CyberSource.rest.certifi.where = lambda path=mode["ca"]: path
        # Every mode begins with an empty sandbox.
        urllib.request.urlopen(urllib.request.Request(config["operator"] + "/reset", method="POST"))
        client = Client(mode, models)
        # With wrong secrets one call of each kind of verb is enough: nothing can be saved.
        wrong = ("postCustomer", "createPayment")
        steps = [step for step in scenario if step["do"] in wrong][:2] if mode.get("wrong") else scenario
        for step in steps:
            if mode.get("jwt") or step.get("only") != "jwt":
                client.run(step)
        if not mode.get("wrong"):
            with urllib.request.urlopen(config["operator"]) as reply:
                sealed = json.load(reply)["sealed"]
            # Without MLE only the one call is sealed that the SDK always seals.
            if mode["sealed"] != (min(sealed.values()) > 10):
                client.unexpected.append(f"sealed messages: {sealed}")
        print(f"python {mode['name']}: {client.calls} calls, {len(client.unexpected)} unexpected")
        for line in client.unexpected:
            print("   ", line)
        failed = failed or bool(client.unexpected)
    if models:
        print(f"python: {models.checked} replies held against the models")
    sys.exit(failed)


main()
