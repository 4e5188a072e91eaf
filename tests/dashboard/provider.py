"""A small OpenID Connect provider on loopback: it signs everybody in who is sent to it, as whom it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "skyduck-dashboard"


class Provider(ThreadingHTTPServer):
    """`email` and `lasts` (seconds until the token expires) are of the next who signs in."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one"})
        self.email, self.lasts = "ada@example.org", 3600.0
        self.nonce = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def token(self) -> str:
        now = int(time.time())
        claims = {"iss": self.address, "sub": self.email, "aud": CLIENT, "iat": now, "exp": now + int(self.lasts),
                  "nonce": self.nonce, "email": self.email, "email_verified": True}  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        url, at = urlsplit(self.path), self.server.address
        if url.path == "/.well-known/openid-configuration":
            self._say(
                {"issuer": at, "authorization_endpoint": f"{at}/authorize", "token_endpoint": f"{at}/token",
                 "jwks_uri": f"{at}/keys", "id_token_signing_alg_values_supported": ["RS256"]}
            )  # fmt: skip
        elif url.path == "/keys":
            self._say({"keys": [self.server.key.as_dict(private=False)]})
        elif url.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            assert asked["client_id"] == CLIENT
            self.server.nonce = asked.get("nonce", "")
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{urlencode({'code': 'c', 'state': asked['state']})}")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        token = self.server.token()
        self._say({"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "id_token": token})

    def _say(self, found: dict[str, Any]) -> None:
        content = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def provided() -> Iterator[Provider]:
    with Provider() as provider:
        thread = threading.Thread(target=provider.serve_forever, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            provider.shutdown()
            thread.join()
