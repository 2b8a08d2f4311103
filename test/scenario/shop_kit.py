"""A process of the example shop, and those who use it: a visitor with cookies, a program."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import urllib.parse

import pytest

SHOP = os.path.join(os.environ.get("NEWEL_BUILD", "build"), "examples", "shop", "shop")
KEY = "a key for tests, longer than 32 bytes"
FUTURE = 32503680000  # an expiry in the year 3000


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.bytes = response.read()

    @property
    def text(self):
        return self.bytes.decode()

    @property
    def json(self):
        return json.loads(self.bytes)


class Shop:
    """One process of the shop."""

    def __init__(self, arguments, environment):
        self.process = subprocess.Popen([SHOP, "--port", "0"] + arguments, env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert "listening" in line, self.process.stderr.read()
        self.port = int(line.rsplit(":", 1)[1])

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; the exit status and what was written to stderr."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def raw(self, data):
        """Send bytes as they are; everything that comes back until the shop closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as wire:
            wire.sendall(data)
            wire.shutdown(socket.SHUT_WR)
            chunks = []
            while True:
                chunk = wire.recv(65536)
                if not chunk:
                    return b"".join(chunks)
                chunks.append(chunk)


class Visitor:
    """A browser without pictures: keeps cookies, sends forms, may talk to any process."""

    def __init__(self, shop):
        self.shop = shop
        self.cookies = {}

    def ask(self, method, path, body=None, headers=None, shop=None):
        headers = dict(headers or {})
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        reply = (shop or self.shop).ask(method, path, body, headers)
        for cookie in reply.headers.get_all("Set-Cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return reply

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, shop=None, **fields):
        return self.ask("POST", path, urllib.parse.urlencode(fields), shop=shop,
                        headers={"Content-Type": "application/x-www-form-urlencoded"})

    def sign_in(self, user="alice", password="wonderland"):
        reply = self.post("/sign-in", user=user, password=password)
        assert reply.status == 303
        return self


class Api:
    """A program with a bearer token."""

    def __init__(self, shop, token=None):
        self.shop = shop
        self.token = token

    def ask(self, method, path, value=None, headers=None):
        headers = dict(headers or {})
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        body = None
        if value is not None:
            headers.setdefault("Content-Type", "application/json")
            body = value if isinstance(value, (str, bytes)) else json.dumps(value)
        return self.shop.ask(method, path, body, headers)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_make(claims, key=KEY, alg="HS256"):
    """A JSON web token, made independently of the shop."""
    signed = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": alg}, claims))
    mac = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()
    return signed + "." + base64url(mac)


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@pytest.fixture
def start(tmp_path):
    """Start processes of the shop; all share one database unless told otherwise."""
    running = []

    def start_one(*arguments, database="shop.db", instance=None):
        environment = {"PATH": os.environ["PATH"], "SHOP_JWT_KEY": KEY}
        if instance:
            environment["NEWEL_INSTANCE"] = instance
        shop = Shop(["--database", str(tmp_path / database), *arguments], environment)
        running.append(shop)
        return shop

    yield start_one
    for shop in running:
        code, errors = shop.stop()
        assert code in (0, 70), errors
        assert "Sanitizer" not in errors, errors


@pytest.fixture
def shop(start):
    return start()


@pytest.fixture
def alice(shop):
    return Visitor(shop).sign_in()


def api_of(shop, user, password):
    reply = Api(shop).ask("POST", "/api/session", {"user": user, "password": password})
    assert reply.status == 201
    return Api(shop, reply.json["token"])


@pytest.fixture
def alice_api(shop):
    return api_of(shop, "alice", "wonderland")


@pytest.fixture
def admin_api(shop):
    return api_of(shop, "admin", "landlady")


def checkout_key(page):
    return re.search(r'name="key" value="([0-9a-f]{32})"', page.text).group(1)


def run(arguments, **environment):
    return subprocess.run([SHOP] + arguments, env={"PATH": os.environ["PATH"], **environment},
                          capture_output=True, text=True, timeout=30)
