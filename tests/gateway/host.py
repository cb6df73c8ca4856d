"""A REST host that checks tokens and seals by jwcrypto: it shares nothing with the gateway.

Arguments: the folder of the tests' keys. Prints its port, then one JSON line for each request that held, or `wrong: ...`.
"""

import base64
import hashlib
import json
import pathlib
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from jwcrypto import jwe, jwk, jws

KEYS = pathlib.Path(sys.argv[1])
RESPONSE_KID = "7000000000000000003"
NUMBER = "4111111111111111"


def key(name, part):
    return jwk.JWK.from_pem((KEYS / f"{name}.{part}.pem").read_bytes())


SIGNED_BY = {
    "7000000000000000001": ("RS256", key("merchant", "cert")),
    "own-key": ("HS256", jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(b"0123456789abcdef0123456789abcdef").decode().rstrip("="))),
}
PROVIDER = key("provider", "key")


def claims_of(token):
    kid = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]
    algorithm, public = SIGNED_BY[kid]
    read = jws.JWS()
    read.allowed_algs = [algorithm]
    read.deserialize(token, public)
    return json.loads(read.payload)


def opened(body):
    envelope = json.loads(body)
    assert list(envelope) == ["encryptedRequest"], "more than a sealed request"
    read = jwe.JWE()
    read.deserialize(envelope["encryptedRequest"], PROVIDER)
    header = read.jose_header
    assert (header["alg"], header["enc"]) == ("RSA-OAEP-256", "A256GCM"), header
    assert header["kid"] == "7000000000000000002", header
    assert abs(header["iat"] - time.time()) < 120, header
    return read.payload.decode()


def sealed(text, name="response"):
    header = {"alg": "RSA-OAEP-256", "cty": "json", "typ": "JWT", "enc": "A256GCM", "kid": RESPONSE_KID}
    made = jwe.JWE(plaintext=text.encode(), protected=json.dumps(header))
    made.add_recipient(key(name, "cert"))
    return made.serialize(compact=True)


def reply_to(method, path, text, unmasked):
    number = NUMBER if unmasked else "411111XXXXXX1111"
    identifier = {"id": "I1", "state": "ACTIVE", "card": {"number": number}}
    instrument = {"id": "P1", "state": "ACTIVE", "card": {"type": "001"}, "instrumentIdentifier": {"id": "I1"}, "_embedded": {"instrumentIdentifier": identifier}}
    if method == "DELETE":
        return 204, None
    if "/payments" in path:
        amount = json.loads(text)["orderInformation"]["amountDetails"]["totalAmount"]
        if amount == "25.01":
            return 400, {"status": "INVALID_REQUEST", "reason": "INVALID_DATA", "message": "no"}
        return 201, {"id": "7000000000000000000042", "status": "AUTHORIZED", "orderInformation": {"amountDetails": {"authorizedAmount": amount, "currency": "USD"}}}
    if path == "/tms/v1/instrumentidentifiers":
        return 200, identifier
    if "payment-instruments" in path:
        return (201 if method == "POST" else 200), instrument
    if method == "POST":
        return 201, {"id": "C1"}
    return 200, {"id": "C1", "defaultPaymentInstrument": {"id": "P1"}, "_embedded": {"defaultPaymentInstrument": instrument}}


class Host(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        claims = claims_of(self.headers["Authorization"].removeprefix("Bearer "))
        assert claims["request-method"] == self.command.lower(), claims
        assert claims["request-resource-path"] == self.path, claims
        assert claims["request-host"] == self.headers["Host"], claims
        assert claims["exp"] - claims["iat"] <= 120, claims
        text = ""
        if self.command in ("POST", "PATCH"):
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            assert claims["digest"] == digest, "the digest is of other bytes"
            text = opened(body)
        else:
            assert body == b"", "a body"
        unmasked = self.headers["Accept"] == "application/jose"
        status, reply = reply_to(self.command, self.path, text, unmasked)
        out = "" if reply is None else json.dumps(reply)
        if out and unmasked:
            out = sealed(out)
        if out and "v-c-response-mle-kid" in claims:
            assert claims["v-c-response-mle-kid"] == RESPONSE_KID, claims
            name = "merchant" if '"66.00"' in text else "response"
            out = json.dumps({"encryptedResponse": sealed(out, name)})
        print(json.dumps({"method": self.command, "path": self.path, "text": text}), flush=True)
        return status, out

    def answer(self):
        try:
            status, out = self.handle_one()
        except Exception as wrong:
            print(f"wrong: {self.command} {self.path}: {wrong!r}", flush=True)
            status, out = 500, ""
        out = out.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(out)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(out)

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
print(server.server_port, flush=True)
server.serve_forever()
