"""The example shop, one process: pages, sign-in, cart, orders, API, bad input."""

import concurrent.futures
import hashlib
import hmac
import re
import socket
import string

import pytest

from shop_kit import (FUTURE, KEY, Api, Visitor, api_of, base64url, checkout_key, claims_of,
                      token_make)
from shop_kit import admin_api, alice, alice_api, shop, start  # noqa: F401 (fixtures)


# Pages


def test_the_front_page_shows_all_products_with_pictures(shop):
    page = shop.ask("GET", "/")
    assert page.status == 200 and page.headers["Content-Type"] == "text/html; charset=utf-8"
    products = shop.ask("GET", "/api/products").json["products"]
    for product in products:
        assert f'href="/products/{product["id"]}"' in page.text
        picture = shop.ask("GET", product["image"])
        assert picture.status == 200 and picture.headers["Content-Type"] == "image/svg+xml"
        assert picture.text.startswith("<svg") and picture.text.rstrip().endswith("</svg>")


def test_a_product_page_names_its_price(shop):
    product = shop.ask("GET", "/api/products/2").json
    page = shop.ask("GET", "/products/2").text
    assert product["name"] in page
    assert f'€ {product["price_cents"] // 100}.{product["price_cents"] % 100:02}' in page


def test_a_category_shows_its_own_things_only(shop):
    page = shop.ask("GET", "/categories/plants").text
    shown = set(map(int, re.findall(r'href="/products/(\d+)"', page)))
    everything = shop.ask("GET", "/api/products").json["products"]
    assert shown == {item["id"] for item in everything if item["category"] == "plants"} != set()
    assert shop.ask("GET", "/categories/dragons").status == 404


def test_search_finds_by_name_and_escapes_what_was_asked(shop):
    assert "Monstera" in shop.ask("GET", "/search?q=monstera").text
    page = shop.ask("GET", "/search?q=%3Cscript%3E%22%27%26").text
    assert "<script" not in page
    assert "&lt;script&gt;&quot;&#39;&amp;" in page


def test_wildcards_in_a_search_are_plain_letters(shop):
    assert "0 found" in shop.ask("GET", "/search?q=%25").text


def test_the_catalogue_is_the_same_for_everybody(shop, alice):
    alice.post("/cart/items", product=1, quantity=2)
    for path in ["/", "/products/1", "/categories/lamps", "/images/1.svg"]:
        assert alice.get(path).bytes == shop.ask("GET", path).bytes


def test_every_answer_names_the_process(start):
    shop = start(instance="shop-7")
    page = shop.ask("GET", "/")
    assert page.headers["X-Shop-Instance"] == "shop-7"
    assert "<b>shop-7</b>" in page.text


def test_head_is_get_without_a_body(shop):
    head, get = shop.ask("HEAD", "/products/1"), shop.ask("GET", "/products/1")
    assert head.status == 200 and head.bytes == b""
    assert head.headers["Content-Length"] == str(len(get.bytes))


def test_cache_headers_are_sent_only_when_asked_for(start):
    plain, caching = start(), start("--cache-headers")
    for path in ["/", "/images/1.svg", "/cart", "/api/products", "/style.css"]:
        assert plain.ask("GET", path).headers["Cache-Control"] is None
        assert plain.ask("GET", path).headers["ETag"] is None
    assert caching.ask("GET", "/").headers["Cache-Control"].startswith("public")
    assert caching.ask("GET", "/cart").headers["Cache-Control"] == "private, no-store"
    assert caching.ask("GET", "/api/orders").headers["Cache-Control"] == "private, no-store"
    tag = caching.ask("GET", "/images/1.svg").headers["ETag"]
    again = caching.ask("GET", "/images/1.svg", headers={"If-None-Match": tag})
    assert again.status == 304 and again.bytes == b""
    assert caching.ask("GET", "/images/2.svg", headers={"If-None-Match": tag}).status == 200


# Signing in


def test_signing_in_gives_a_signed_cookie(shop):
    reply = Visitor(shop).post("/sign-in", user="alice", password="wonderland", next="/cart")
    assert reply.status == 303 and reply.headers["Location"] == "/cart"
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith("session=") and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    token = cookie.split(";")[0].split("=", 1)[1]
    claims = claims_of(token)
    assert set(claims) == {"sub", "role", "exp"}
    assert (claims["sub"], claims["role"]) == ("alice", "customer")
    signed, _, mac = token.rpartition(".")
    assert mac == base64url(hmac.new(KEY.encode(), signed.encode(), hashlib.sha256).digest())


def test_behind_tls_the_cookie_is_secure(shop):
    reply = shop.ask("POST", "/sign-in", "user=alice&password=wonderland",
                     {"Content-Type": "application/x-www-form-urlencoded",
                      "X-Forwarded-Proto": "https"})
    assert "; Secure" in reply.headers["Set-Cookie"]


@pytest.mark.parametrize("user, password", [("alice", "builder"), ("nobody", "x"), ("alice", ""),
                                            ("", ""), ("alice' OR '1'='1", "x")])
def test_wrong_passwords_do_not_sign_in(shop, user, password):
    reply = Visitor(shop).post("/sign-in", user=user, password=password)
    assert reply.status == 401
    assert reply.headers["Set-Cookie"] is None


@pytest.mark.parametrize("target", ["//evil", "//evil.example/", "https://evil.example/",
                                    "/\\evil.example", "javascript:alert(1)", "/a?b\r\nX: y"])
def test_signing_in_never_leads_away(shop, target):
    reply = Visitor(shop).post("/sign-in", user="alice", password="wonderland", next=target)
    assert reply.status == 303 and reply.headers["Location"] == "/account"


def test_signing_out_forgets_the_session(alice):
    assert alice.get("/account").status == 200
    assert alice.post("/sign-out").status == 303
    assert alice.get("/account").headers["Location"] == "/sign-in?next=/account"


def respelled(token):
    """The same bytes in base64url, the two bits beyond the last of them set."""
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    return token[:-1] + letters[letters.index(token[-1]) | 3]


ADMIN = {"sub": "alice", "role": "admin", "exp": FUTURE}
FORGED = {
    "another key": token_make(ADMIN, key="k" * 32),
    "expired": token_make({**ADMIN, "exp": 1000}),
    "without end": token_make({"sub": "alice", "role": "admin"}),
    "an end that is no number": token_make({**ADMIN, "exp": "never"}),
    "without role": token_make({"sub": "alice", "exp": FUTURE}),
    "a cart token": token_make({"cart": "1", "exp": FUTURE}),
    "alg none": token_make(ADMIN, alg="none"),
    "alg HS512": token_make(ADMIN, alg="HS512"),
    "padded": token_make(ADMIN) + "=",
    "spelled otherwise": respelled(token_make(ADMIN)),
    "unsigned": token_make(ADMIN).rsplit(".", 1)[0] + ".",
    "two parts": token_make(ADMIN).rsplit(".", 1)[0],
    "four parts": token_make(ADMIN) + "." + token_make(ADMIN).rsplit(".", 1)[1],
    "nothing": "", "dots": "...", "letters": "a.b.c", "long": "x" * 5000,
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_forged_tokens_open_nothing(shop, token):
    reply = Api(shop, token).ask("GET", "/api/orders")
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    cookie = shop.ask("GET", "/account", headers={"Cookie": "session=" + token})
    assert cookie.status == 303


def test_a_good_token_from_elsewhere_is_believed(shop):
    token = token_make({"sub": "alice", "role": "customer", "exp": FUTURE})
    assert Api(shop, token).ask("GET", "/api/users/alice").json["name"] == "Alice Lindqvist"
    stranger = token_make({"sub": "carol", "role": "customer", "exp": FUTURE})
    assert Api(shop, stranger).ask("POST", "/api/orders", {"product": 1}).status == 201


def test_tokens_and_passwords_are_not_logged(start):
    shop = start("--access-log")
    visitor = Visitor(shop).sign_in()
    visitor.get("/account?token=" + visitor.cookies["session"])
    code, errors = shop.stop()
    assert code == 0 and 'path="/account"' in errors
    assert visitor.cookies["session"] not in errors and "wonderland" not in errors


# The cart and what becomes of it


def test_an_anonymous_cart_is_named_by_a_signed_cookie(shop):
    visitor = Visitor(shop)
    assert "nothing in it" in visitor.get("/cart").text
    assert visitor.cookies == {}
    assert visitor.post("/cart/items", product=9, quantity=2).headers["Location"] == "/cart"
    assert set(claims_of(visitor.cookies["cart"])) == {"cart", "exp"}
    assert "Morning mug" in visitor.get("/cart").text
    assert ">2</text>" in visitor.get("/cart/badge.svg").text
    assert "nothing in it" in Visitor(shop).get("/cart").text


def test_amounts_add_up_change_and_end_at_99(alice):
    alice.post("/cart/items", product=9, quantity=2)
    alice.post("/cart/items", product=9, quantity=3)
    assert ">5</text>" in alice.get("/cart/badge.svg").text
    alice.post("/cart/items/9", quantity=7)
    assert ">7</text>" in alice.get("/cart/badge.svg").text
    alice.post("/cart/items", product=9, quantity=99)
    assert ">99</text>" in alice.get("/cart/badge.svg").text
    alice.post("/cart/items/9", quantity=0)
    assert "nothing in it" in alice.get("/cart").text


@pytest.mark.parametrize("product, quantity, status", [
    (9, 0, 400), (9, 100, 400), (9, -1, 400), (9, "many", 400), ("", 1, 400), (0, 1, 400),
    (99, 1, 404), (23, 1, 409), ("9; DROP TABLE products", 1, 400), (10**20, 1, 400)])
def test_a_cart_takes_only_what_makes_sense(shop, product, quantity, status):
    visitor = Visitor(shop)
    assert visitor.post("/cart/items", product=product, quantity=quantity).status == status
    assert visitor.cookies == {}
    assert shop.ask("GET", "/api/products/9").status == 200


def test_signing_in_brings_the_cart_along(shop, alice):
    alice.post("/cart/items", product=9, quantity=1)
    visitor = Visitor(shop)
    visitor.post("/cart/items", product=9, quantity=2)
    visitor.post("/cart/items", product=10, quantity=1)
    visitor.sign_in()
    assert list(visitor.cookies) == ["session"]
    assert ">4</text>" in alice.get("/cart/badge.svg").text


def test_checking_out_makes_an_order_and_empties_the_cart(shop, alice):
    alice.post("/cart/items", product=9, quantity=2)
    alice.post("/cart/items", product=10, quantity=1)
    key = checkout_key(alice.get("/checkout"))
    placed = alice.post("/checkout", key=key, name="<b>Alice</b>", address="1 & 2 Stair\nTown")
    assert placed.status == 303
    order = alice.get(placed.headers["Location"])
    products = shop.ask("GET", "/api/products").json["products"]
    prices = {item["id"]: item["price_cents"] for item in products}
    total = 2 * prices[9] + prices[10]
    assert f"€ {total // 100}.{total % 100:02}" in order.text
    assert "&lt;b&gt;Alice&lt;/b&gt;\n1 &amp; 2 Stair\nTown" in order.text
    assert 'class="now">received' in order.text
    assert "nothing in it" in alice.get("/cart").text
    assert placed.headers["Location"] in alice.get("/account").text


def test_pressing_twice_orders_once(alice):
    alice.post("/cart/items", product=9, quantity=1)
    form = {"key": checkout_key(alice.get("/checkout")), "name": "A", "address": "B"}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: alice.post("/checkout", **form), range(4)))
    assert {reply.headers["Location"] for reply in replies} == {"/orders/1"}


def test_an_incomplete_checkout_says_what_is_missing(alice):
    alice.post("/cart/items", product=9, quantity=1)
    key = checkout_key(alice.get("/checkout"))
    reply = alice.post("/checkout", key=key, name="Alice", address="  ")
    assert reply.status == 400 and 'role="alert"' in reply.text and 'value="Alice"' in reply.text
    assert ">1</text>" in alice.get("/cart/badge.svg").text


def test_nobody_checks_out_anonymously(shop):
    visitor = Visitor(shop)
    visitor.post("/cart/items", product=9, quantity=1)
    assert visitor.get("/checkout").headers["Location"] == "/sign-in?next=/checkout"


def test_orders_of_others_do_not_exist(shop, alice):
    alice.post("/cart/items", product=9, quantity=1)
    key = checkout_key(alice.get("/checkout"))
    location = alice.post("/checkout", key=key, name="A", address="B").headers["Location"]
    assert Visitor(shop).sign_in("bob", "builder").get(location).status == 404
    assert Visitor(shop).sign_in("admin", "landlady").get(location).status == 200
    assert Visitor(shop).get(location).headers["Location"] == "/sign-in?next=" + location


def test_the_last_three_are_sold_three_times(shop):
    apis = [api_of(shop, "alice", "wonderland"), api_of(shop, "bob", "builder")]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda i: apis[i % 2].ask("POST", "/api/orders", {"product": 12}),
                                range(8)))
    assert sorted(reply.status for reply in replies) == [201] * 3 + [409] * 5
    assert shop.ask("GET", "/api/products/12").json["in_stock"] is False


# The API


def problem(reply, status):
    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json["status"] == status and reply.json["title"] and reply.json["detail"]
    return True


def test_only_admins_set_prices(shop, alice_api, admin_api):
    path, price = "/api/products/3/price", {"price_cents": 1234}
    assert problem(Api(shop).ask("PUT", path, price), 401)
    assert problem(alice_api.ask("PUT", path, price), 403)
    assert admin_api.ask("PUT", path, price).json["price_cents"] == 1234
    assert "€ 12.34" in shop.ask("GET", "/products/3").text
    assert problem(admin_api.ask("PUT", "/api/products/99/price", price), 404)


@pytest.mark.parametrize("body", ['{"price_cents": 0}', '{"price_cents": -5}',
                                  '{"price_cents": 1.5}', '{"price_cents": "9"}',
                                  '{"price_cents": 999999999999}', "{}", "[]", "", "{",
                                  '{"price_cents": 5, "price_cents": 6}', "[" * 60000,
                                  b'{"price_cents": 5, "x": "\xff"}'])
def test_a_price_that_is_none_changes_nothing(shop, admin_api, body):
    before = shop.ask("GET", "/api/products/3").json
    assert problem(admin_api.ask("PUT", "/api/products/3/price", body), 400)
    assert shop.ask("GET", "/api/products/3").json == before


def test_an_order_by_api(alice_api):
    wish = {"items": [{"product": 10, "quantity": 2}, {"product": 9}, {"product": 10}],
            "address": "Stair 1"}
    reply = alice_api.ask("POST", "/api/orders", wish)
    assert reply.status == 201
    order = alice_api.ask("GET", reply.headers["Location"]).json
    assert order == reply.json
    assert [(item["product"], item["quantity"]) for item in order["items"]] == [(9, 1), (10, 3)]
    parts = [item["quantity"] * item["price_cents"] for item in order["items"]]
    assert order["total_cents"] == sum(parts)
    assert (order["user"], order["status"]) == ("alice", "received")
    assert order["address"] == "Stair 1"
    listed = alice_api.ask("GET", "/api/orders?user=alice").json["orders"]
    assert [item["id"] for item in listed] == [order["id"]]
    assert alice_api.ask("GET", "/api/users/alice").json["order_count"] == 1


def test_the_price_paid_stays_the_price_paid(alice_api, admin_api):
    order = alice_api.ask("POST", "/api/orders", {"product": 5}).json
    admin_api.ask("PUT", "/api/products/5/price", {"price_cents": 1})
    assert alice_api.ask("GET", f'/api/orders/{order["id"]}').json == order


def test_the_same_key_is_the_same_order(alice_api):
    keyed = {"Idempotency-Key": '"f3-7"'}
    wish = {"items": [{"product": 1}, {"product": 2}]}
    respelled = {"items": [{"product": 2, "quantity": 1}, {"product": 1}]}
    first = alice_api.ask("POST", "/api/orders", wish, keyed)
    again = alice_api.ask("POST", "/api/orders", respelled, {"Idempotency-Key": "f3-7"})
    assert (first.status, again.status) == (201, 201)
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.headers["Idempotency-Replayed"] is None
    assert problem(alice_api.ask("POST", "/api/orders", {"product": 3}, keyed), 409)
    assert alice_api.ask("GET", "/api/users/alice").json["order_count"] == 1


def test_keys_belong_to_users(shop, alice_api):
    keyed = {"Idempotency-Key": "mine"}
    bob_api = api_of(shop, "bob", "builder")
    orders = [api.ask("POST", "/api/orders", {"product": 1}, keyed) for api in (alice_api, bob_api)]
    assert orders[0].json["id"] != orders[1].json["id"]


@pytest.mark.parametrize("key", ["", '""', "k" * 256, "k\u00ff".encode("latin-1")])
def test_a_key_that_is_none_is_refused(alice_api, key):
    keyed = {"Idempotency-Key": key}
    assert problem(alice_api.ask("POST", "/api/orders", {"product": 1}, keyed), 400)
    assert alice_api.ask("GET", "/api/users/alice").json["order_count"] == 0


@pytest.mark.parametrize("wish", [{}, {"items": []}, {"items": 5}, {"items": [5]}, {"product": 0},
                                  {"product": 99}, {"product": "1"}, {"product": 1, "quantity": 0},
                                  {"product": 1, "quantity": 100}, {"items": [{"product": 1}] * 51},
                                  {"items": [{"product": 1, "quantity": 60}] * 2},
                                  {"items": [{"product": 1}, {"product": 99}]},
                                  {"product": 1, "address": "x" * 401},
                                  {"product": 1, "address": 5},
                                  {"product": 1, "address": "a\u0000b"}])
def test_a_senseless_order_leaves_no_trace(alice_api, wish):
    assert problem(alice_api.ask("POST", "/api/orders", wish), 400)
    assert alice_api.ask("GET", "/api/users/alice").json["order_count"] == 0


def test_people_see_their_own_things_only(shop, alice_api, admin_api):
    order = alice_api.ask("POST", "/api/orders", {"product": 1}).json
    bob_api = api_of(shop, "bob", "builder")
    assert problem(bob_api.ask("GET", "/api/orders?user=alice"), 403)
    assert problem(bob_api.ask("GET", "/api/users/alice"), 403)
    assert problem(bob_api.ask("GET", f'/api/orders/{order["id"]}'), 404)
    assert admin_api.ask("GET", "/api/orders?user=alice").json["orders"][0]["id"] == order["id"]
    assert problem(admin_api.ask("GET", "/api/users/nobody"), 404)
    for path in ["/api/orders", "/api/users/alice", "/api/orders/1"]:
        assert problem(Api(shop).ask("GET", path), 401)


def test_a_method_that_a_path_has_not_got(shop):
    reply = Api(shop).ask("DELETE", "/api/orders")
    assert problem(reply, 405)
    assert reply.headers["Allow"] == "GET, HEAD, POST"
    assert shop.ask("POST", "/").status == 405
    assert problem(Api(shop).ask("GET", "/api/nothing"), 404)
    assert problem(Api(shop).ask("GET", "/api/products/one"), 400)
    assert problem(Api(shop).ask("GET", "/api/products/99"), 404)
    assert problem(Api(shop).ask("POST", "/api/session", {"user": "alice", "password": "no"}), 401)
    assert problem(Api(shop).ask("POST", "/api/session", "{}", {"Content-Type": "text/plain"}), 415)


# Bad input


@pytest.mark.parametrize("target, status", [
    ("/products/0", 404), ("/products/-1", 404), ("/products/1x", 404),
    ("/products/99999999999999", 404), ("/products/9999999999999999999999", 404),
    ("/products/", 404), ("/products/1/", 404), ("/images/1", 404), ("/images/.svg", 404),
    ("/images/25.svg", 404), ("/products%2F1", 400), ("/products/1%00", 400), ("/%ff", 400),
    ("/%", 400), ("/%4", 400), ("/%zz", 400), ("/?q=%ff", 400), ("/search?q=%00", 400),
    ("/search?" + "a&" * 65, 400), ("/search?q=%F0%9F%AA%9C", 200), ("/search?q=%ED%A0%80", 400)])
def test_bad_targets_get_an_answer_and_do_no_harm(shop, target, status):
    answer = shop.raw(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ")[1] == str(status).encode()
    assert shop.ask("GET", "/products/1").status == 200


def test_a_body_announced_too_large_is_refused_unread(shop):
    answer = shop.raw(b"POST /cart/items HTTP/1.1\r\nHost: x\r\n"
                      b"Content-Length: 99999999999\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")


def chunked(size, count):
    piece = b"%x\r\n%s\r\n" % (size, b"a" * size)
    return (b"POST /cart/items HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + piece * count + b"0\r\n\r\n")


def test_a_body_that_turns_out_too_large_is_refused(shop):
    assert shop.raw(chunked(8192, 8)).startswith(b"HTTP/1.1 400")  # at the limit: read, and no form
    assert shop.raw(chunked(8192, 9)).startswith(b"HTTP/1.1 413")


def test_a_body_without_end_is_cut(shop):
    with socket.create_connection(("127.0.0.1", shop.port), timeout=30) as wire:
        wire.sendall(chunked(8192, 1)[:-5])
        with pytest.raises(OSError):
            while True:
                wire.sendall(b"2000\r\n" + b"a" * 8192 + b"\r\n")
    assert shop.ask("GET", "/ready").status == 200


@pytest.mark.parametrize("body, kind, status", [
    (b"product=%ff&quantity=1", "application/x-www-form-urlencoded", 400),
    (b"product=9&quantity=1%0", "application/x-www-form-urlencoded", 400),
    (b"product=9&quantity=1\xff", "application/x-www-form-urlencoded", 400),
    (b"product=9&quantity=1", "text/plain", 415),
    (b"product=9&quantity=1", "multipart/form-data; boundary=x", 415),
    (b"&&&", "application/x-www-form-urlencoded", 400),
    (b"", "application/x-www-form-urlencoded", 400)])
def test_bad_forms_are_refused(shop, body, kind, status):
    assert shop.ask("POST", "/cart/items", body, {"Content-Type": kind}).status == status


def test_a_form_of_another_site_is_refused(shop):
    reply = shop.ask("POST", "/cart/items", "product=9&quantity=1",
                     {"Content-Type": "application/x-www-form-urlencoded",
                      "Sec-Fetch-Site": "cross-site"})
    assert reply.status == 403
