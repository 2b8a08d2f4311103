"""The example shop as a process among others: starting, sharing, stopping, planted faults."""

import concurrent.futures
import http.client
import os
import signal
import socket
import sqlite3
import time

import pytest

from shop_kit import FUTURE, KEY, Api, Shop, Visitor, api_of, checkout_key, run, token_make
from shop_kit import shop, start  # noqa: F401 (fixtures)


# Starting


def test_a_short_key_is_refused_with_a_sentence(tmp_path):
    done = run(["--database", str(tmp_path / "x.db")], SHOP_JWT_KEY="k" * 31)
    assert done.returncode == 2
    assert "31 bytes" in done.stderr and "k" * 31 not in done.stderr
    assert not (tmp_path / "x.db").exists()


def test_no_key_is_refused_and_the_way_out_is_named():
    done = run([])
    assert done.returncode == 2
    assert "SHOP_JWT_KEY" in done.stderr and "--dev-key" in done.stderr


@pytest.mark.parametrize("arguments", [["--port", "http"], ["--port", "65536"], ["--threads", "0"],
                                       ["--fault", "gremlin"], ["--fault", "slow"],
                                       ["--fault", "error=101"], ["--fault", "not-ready=1"],
                                       ["stray"], ["--nonsense"]])
def test_wrong_usage_ends_with_2(arguments):
    done = run(arguments, SHOP_JWT_KEY=KEY)
    assert done.returncode == 2 and done.stderr


def test_help_lists_every_fault():
    done = run(["--help"])
    assert done.returncode == 0
    for name in ["slow=MS", "cold=MS", "error=PERCENT", "drop=PERCENT", "die=N", "memory-session",
                 "memory-price", "not-ready"]:
        assert name in done.stdout


def test_dev_keys_are_shared_by_the_processes_beside_one_database(tmp_path):
    environment = {"PATH": os.environ["PATH"]}
    arguments = ["--dev-key", "--database", str(tmp_path / "shop.db")]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        one, other = pool.map(lambda _: Shop(arguments, environment), range(2))
    try:
        visitor = Visitor(one).sign_in()
        assert "Alice" in visitor.get("/account", shop=other).text
        assert (tmp_path / "shop.db.key").stat().st_mode & 0o777 == 0o600
        assert [path.name for path in tmp_path.glob("*.key*")] == ["shop.db.key"]
    finally:
        one.stop()
        other.stop()


def test_many_first_starts_at_once_fill_the_database_once(start):
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        shops = list(pool.map(lambda _: start("--threads", "1"), range(6)))
    for shop in shops:
        assert len(shop.ask("GET", "/api/products").json["products"]) == 24


def test_two_first_starts_elsewhere_sell_the_same_things(start):
    lists = [start(database=name).ask("GET", "/api/products").bytes for name in ("a.db", "b.db")]
    assert lists[0] == lists[1]


def test_it_listens_on_a_unix_socket_and_clears_it_away(tmp_path):
    path = str(tmp_path / "shop.sock")
    with socket.socket(socket.AF_UNIX) as leftover:
        leftover.bind(path)  # a file nobody listens on any more
    environment = {"PATH": os.environ["PATH"], "SHOP_JWT_KEY": KEY, "NEWEL_SOCKET": path}
    shop = Shop(["--database", str(tmp_path / "shop.db")], environment)
    try:
        second = run(["--database", str(tmp_path / "shop.db")], SHOP_JWT_KEY=KEY, NEWEL_SOCKET=path)
        assert second.returncode == 1 and path in second.stderr
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(path)
            wire.sendall(b"GET /ready HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
            assert wire.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
        assert shop.ask("GET", "/ready").status == 200
    finally:
        code, _ = shop.stop()
    assert code == 0
    assert not os.path.exists(path)


# Several processes


def test_any_process_may_answer_any_request(start):
    shops = [start(instance=f"shop-{i}") for i in range(3)]
    visitor = Visitor(shops[0])
    visitor.post("/cart/items", product=9, quantity=1, shop=shops[0])
    visitor.post("/cart/items", product=9, quantity=1, shop=shops[1])
    visitor.post("/sign-in", user="alice", password="wonderland", shop=shops[2])
    assert ">2</text>" in visitor.get("/cart/badge.svg", shop=shops[0]).text
    key = checkout_key(visitor.get("/checkout", shop=shops[1]))
    placed = visitor.post("/checkout", key=key, name="A", address="B", shop=shops[2])
    page = visitor.get(placed.headers["Location"], shop=shops[0])
    assert page.status == 200 and "<b>shop-0</b>" in page.text


def test_a_repeated_key_is_noticed_by_every_process(start):
    shops = [start(), start()]
    token = token_make({"sub": "bob", "role": "customer", "exp": FUTURE})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(
            lambda i: Api(shops[i % 2], token).ask("POST", "/api/orders", {"product": 1},
                                                   {"Idempotency-Key": "once"}), range(16)))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.json["id"] for reply in replies}) == 1
    assert sum(reply.headers["Idempotency-Replayed"] is None for reply in replies) == 1


def test_writers_in_two_processes_wait_for_each_other(start):
    shops = [start(), start()]
    visitors = [Visitor(shop).sign_in() for shop in shops]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(
            lambda i: visitors[i % 2].post("/cart/items", product=9, quantity=1), range(40)))
    assert {reply.status for reply in replies} == {303}
    assert ">40</text>" in visitors[0].get("/cart/badge.svg").text


def test_what_was_ordered_outlives_the_process(start):
    first = start()
    order = api_of(first, "alice", "wonderland").ask("POST", "/api/orders", {"product": 1}).json
    first.process.kill()
    first.process.wait()
    first.process.returncode = 0  # killed on purpose
    second = start()
    again = api_of(second, "alice", "wonderland").ask("GET", f'/api/orders/{order["id"]}')
    assert again.json == order


# Stopping and being ready


def test_usr1_says_not_ready_and_goes_on_serving(shop):
    assert shop.ask("GET", "/ready").json["state"] == "ready"
    shop.signal(signal.SIGUSR1)
    states = (shop.ask("GET", "/ready").json["state"] for _ in range(10000))
    assert "leaving" in states  # the signal needs a moment to get there
    assert shop.ask("GET", "/ready").status == 503
    page = shop.ask("GET", "/products/1")
    assert page.status == 200 and page.headers["Connection"] == "close"


def test_term_finishes_what_was_begun(shop):
    with socket.create_connection(("127.0.0.1", shop.port), timeout=30) as wire:
        wire.sendall(b"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Expect: 100-continue\r\nContent-Length: 42\r\n\r\n")
        replies = wire.makefile("rb")
        assert replies.readline() == b"HTTP/1.1 100 Continue\r\n"  # so the shop has begun it
        assert replies.readline() == b"\r\n"
        shop.signal(signal.SIGTERM)
        with pytest.raises(OSError):  # soon nothing new is accepted
            for _ in range(10000):
                shop.ask("GET", "/ready")
        wire.sendall(b'{"user": "alice", "password":"wonderland"}')
        assert replies.readline() == b"HTTP/1.1 201 Created\r\n"
    assert shop.stop()[0] == 0


def test_without_a_database_it_is_not_ready(start, tmp_path):
    shop = start()
    assert shop.ask("GET", "/ready").status == 200
    with sqlite3.connect(tmp_path / "shop.db") as vandal:
        for table in ["order_lines", "cart_lines", "products"]:
            vandal.execute(f"DROP TABLE {table}")
    reply = shop.ask("GET", "/ready")
    assert reply.status == 503 and reply.json["state"] == "no database"
    assert shop.ask("GET", "/").status == 500


# Planted mistakes


def test_fault_not_ready(start):
    shop = start("--fault", "not-ready")
    assert shop.ask("GET", "/ready").status == 503
    assert shop.ask("GET", "/").status == 200


def test_fault_error_fails_exactly_its_share(start):
    shop = start("--fault", "error=5")
    assert [shop.ask("GET", "/style.css").status for _ in range(40)].count(500) == 2
    assert [shop.ask("GET", "/ready").status for _ in range(40)].count(200) == 40


def test_fault_drop_cuts_without_an_answer(start):
    shop = start("--fault", "drop=50")
    assert shop.ask("GET", "/style.css").status == 200
    with pytest.raises(http.client.RemoteDisconnected):
        shop.ask("GET", "/style.css")
    assert shop.ask("GET", "/ready").status == 200


def test_fault_die_ends_the_process_after_its_answers(start):
    shop = start("--fault", "die=3")
    assert [shop.ask("GET", "/style.css").status for _ in range(3)] == [200] * 3
    assert shop.process.wait(timeout=30) == 70


def test_fault_memory_session_loses_the_cart_between_processes(start):
    shops = [start("--fault", "memory-session") for _ in range(2)]
    visitor = Visitor(shops[0]).sign_in()
    visitor.post("/cart/items", product=9, quantity=2)
    assert "Morning mug" in visitor.get("/cart").text
    assert "nothing in it" in visitor.get("/cart", shop=shops[1]).text
    key = checkout_key(visitor.get("/checkout"))
    placed = visitor.post("/checkout", key=key, name="A", address="B")
    assert visitor.get(placed.headers["Location"], shop=shops[1]).status == 200
    assert "nothing in it" in visitor.get("/cart").text


def test_fault_memory_price_is_known_to_one_process_only(start):
    shops = [start("--fault", "memory-price") for _ in range(2)]
    admin = api_of(shops[0], "admin", "landlady")
    admin.ask("PUT", "/api/products/1/price", {"price_cents": 1})
    prices = [shop.ask("GET", "/api/products/1").json["price_cents"] for shop in shops]
    assert prices[0] == 1 and prices[1] != 1


def test_fault_slow_delays_products(start):
    shop = start("--fault", "slow=200")
    begun_s = time.monotonic()
    assert shop.ask("GET", "/products/1").status == 200
    assert time.monotonic() - begun_s >= 0.2  # never less: no load can make a sleep shorter


def test_fault_slow_delays_nothing_else(start):
    shop = start("--fault", "slow=60000")  # twice as long as a client of these tests waits
    for path in ["/", "/style.css", "/images/1.svg", "/ready", "/api/products"]:
        assert shop.ask("GET", path).status == 200


def test_fault_cold_delays_the_first_requests(start):
    shop = start("--fault", "cold=100")
    begun_s = time.monotonic()
    assert shop.ask("GET", "/style.css").status == 200
    assert time.monotonic() - begun_s >= 0.1
