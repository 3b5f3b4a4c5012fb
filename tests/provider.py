"""A small OpenID provider in this process: discovery, keys, authorize and token, with tokens that it really signs."""

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

ADA = {"sub": "s-1", "email": "ada@example.org", "email_verified": True}


class Provider:
    """Signs in whoever comes as `person`; `changes` are put over the claims of the next tokens, `key` signs them."""

    def __init__(self):
        self.own_key = RSAKey.generate_key(2048, {"kid": "own", "use": "sig"})
        self.be_honest()
        self.codes = {}
        handler = type("Handler", (_Handler,), {"provider": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def be_honest(self):
        self.person, self.changes, self.key = ADA, {}, self.own_key

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def metadata(self):
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def token(self, asked):
        now = int(time.time())
        claims = {"iss": self.url, "aud": asked["client_id"], "iat": now, "exp": now + 600, "nonce": asked["nonce"]}
        claims |= self.person | self.changes
        signed = jwt.encode(
            {"alg": "RS256", "kid": "own"}, {k: v for k, v in claims.items() if v is not None}, self.key
        )
        return {"access_token": secrets.token_hex(8), "token_type": "Bearer", "expires_in": 600, "id_token": signed}


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self):
        path, asked = urlsplit(self.path).path, {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        if path == "/.well-known/openid-configuration":
            self.answer(self.provider.metadata())
        elif path == "/jwks":
            self.answer({"keys": [self.provider.own_key.as_dict(private=False)]})
        elif path == "/authorize":
            code = secrets.token_hex(8)
            self.provider.codes[code] = asked
            self.send_response(302)
            self.send_header(
                "location", asked["redirect_uri"] + "?" + urlencode({"code": code, "state": asked["state"]})
            )
            self.end_headers()

    def do_POST(self):
        sent = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        # A code is good once.
        self.answer(self.provider.token(self.provider.codes.pop(sent["code"][0])))

    def answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
