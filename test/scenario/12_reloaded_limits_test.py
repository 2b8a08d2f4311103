"""Limits that the runtime holds: they follow the configuration in force."""

from kit.site import site

BODY = b"x" * (2 << 20)


def test_a_reload_changes_the_ceiling_of_memory(newel, origin):
    edge = newel(site(origin, limits={"buffers": "64M"}))
    assert edge.status()["memory"]["max"] == 64 << 20
    edge.reload(site(origin, limits={"buffers": "128M"}))
    assert edge.status()["memory"]["max"] == 128 << 20


def test_what_is_spooled_is_bounded_by_its_own_limit_not_by_memory(newel, origin):
    small = {"request": "16K"}
    edge = newel(site(origin, limits={"buffers": "16M"}, buffer={**small, "spool": "1M"}))
    assert edge.post("/", body=BODY).status == 503
    edge.reload(site(origin, limits={"buffers": "16M"}, buffer={**small, "spool": "8M"}))
    assert edge.post("/", body=BODY).status == 200
    assert edge.status()["memory"]["spool"] == 0
