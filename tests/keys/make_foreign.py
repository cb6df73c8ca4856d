"""Makes foreign.jwe and foreign.jwt: a sealed reply and a signed token, by jwcrypto."""

import json
import pathlib

from jwcrypto import jwe, jwk, jws

here = pathlib.Path(__file__).parent


def key(name):
    return jwk.JWK.from_pem((here / f"{name}.key.pem").read_bytes())


header = {"alg": "RSA-OAEP-256", "cty": "json", "typ": "JWT", "enc": "A256GCM", "kid": "7000000000000000003"}
sealed = jwe.JWE(plaintext='{"name":"Ærøskøbing"}'.encode(), protected=json.dumps(header))
sealed.add_recipient(key("response"))
(here / "foreign.jwe").write_text(sealed.serialize(compact=True) + "\n")

compact = {"separators": (",", ":")}
claims = {
    "digest": "mv6w8rID8lQxLsje1EHQMYt8NMV/hpXt5C0iFaMMCWA=",
    "digestAlgorithm": "SHA-256",
    "iat": 1776766530,
    "exp": 1776766650,
    "request-method": "post",
    "request-host": "apitest.cybersource.com",
    "request-resource-path": "/pts/v2/payments",
    "iss": "mid1234",
    "jti": "6643fb9a-8093-47c6-95d3-8d69785b5e62",
    "v-c-jwt-version": "2",
    "v-c-merchant-id": "mid1234",
}
token = jws.JWS(json.dumps(claims, **compact))
header = {"typ": "JWT", "alg": "RS256", "kid": "7000000000000000001"}
token.add_signature(key("merchant"), protected=json.dumps(header, **compact))
(here / "foreign.jwt").write_text(token.serialize(compact=True) + "\n")
