"""Holds replies against the models of an SDK: names, types, lengths and values of their members.

    SCMP_GATEWAY_SDK_MODELS=models.json python client.py CONFIG
    SCMP_GATEWAY_SDK_MODELS=models.json python models.py REPLIES

REPLIES is what another SDK's client wrote down: on each line the operation and the body of a reply.

The file is a JSON object of `operations` (each with `operation` and `success_model`) and of
`models` (each member with its `type` and, where there are some, its `length` and `values`), as can
be got by introspection of the Python SDK. It is not part of this project.
"""

import json
import os
import re
import sys

# Where real replies are known to go beyond the models, by the end of the member's path.
KNOWN = {
    "_links.authReversal": "public suites see this name; the models say reversal",
    "_links.void": "public suites see it in the reply to a sale",
    "_links.refund": "as above",
    "pointOfSaleInformation.terminalId": "its values are names of processors, out of the prose",
    "brandName": "as above",
    "card.type": "its values are a word out of the prose",
    "status: 'PENDING'": "public suites see it for debits of accounts",
}

SIMPLE = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object, "datetime": str, "date": str}


def snake(name):
    """The Python SDK's name of an operation, which the models go by."""
    return re.sub("([A-Z]+)", lambda match: "_" + match.group(1).lower(), name)


def is_known(fault):
    beyond = "no member of" in fault or "is none of" in fault
    return beyond and any(known in fault for known in KNOWN)


class Models:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            read = json.load(file)
        self.models = read["models"]
        self.of = {one["operation"]: one["success_model"] for one in read["operations"]}
        self.checked = 0

    @classmethod
    def from_environment(cls):
        path = os.environ.get("SCMP_GATEWAY_SDK_MODELS")
        return cls(path) if path else None

    def faults(self, operation, reply):
        """What is wrong with the reply of a successful operation, one line for each member."""
        model = self.of.get(operation)
        if model is None or reply is None:
            return []
        self.checked += 1
        return [fault for fault in self.value("", model, {}, reply) if not is_known(fault)]

    def value(self, path, kind, member, value):
        if kind.startswith("list["):
            if not isinstance(value, list):
                yield f"{path}: {type(value).__name__} instead of a list"
                return
            for at, item in enumerate(value):
                yield from self.value(f"{path}.{at}", kind[5:-1], member, item)
        elif kind in self.models:
            if not isinstance(value, dict):
                yield f"{path}: {type(value).__name__} instead of {kind}"
                return
            yield from self.members(path, self.models[kind], value)
        elif kind in SIMPLE:
            yield from self.simple(path, kind, member, value)

    def members(self, path, model, value):
        for name, item in value.items():
            inner = f"{path}.{name}" if path else name
            if name not in model:
                yield f"{inner}: no member of the model"
            else:
                yield from self.value(inner, model[name]["type"], model[name], item)

    def simple(self, path, kind, member, value):
        is_number = kind in ("int", "float")
        if not isinstance(value, SIMPLE[kind]) or is_number and isinstance(value, bool):
            yield f"{path}: {value!r} instead of {kind}"
            return
        length = member.get("max_length") or member.get("length")
        if isinstance(length, int) and isinstance(value, str) and len(value) > length:
            yield f"{path}: {len(value)} characters, more than {length}"
        values = member.get("values")
        if values and kind == "str" and value not in values:
            yield f"{path}: {value!r} is none of {values}"


def main():
    models = Models.from_environment()
    faults = []
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            operation, reply = json.loads(line)
            faults += [f"{operation}: {fault}" for fault in models.faults(snake(operation), reply)]
    print(f"{models.checked} replies held against the models, {len(faults)} unexpected")
    for fault in faults:
        print("   ", fault)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
