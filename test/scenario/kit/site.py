"""Configuration texts. JSON is YAML, so a scenario may also give a dict."""

import json


def site(*nodes, service=None, routes=None, services=None, **top):
    """A file with the service `app` over these origins (or addresses) and a route to it."""
    addresses = [getattr(node, "address", node) for node in nodes]
    conf = {"newel": 1, "listen": ["127.0.0.1:0"], "admin": "127.0.0.1:0"}
    conf["services"] = {"app": {"nodes": addresses, **(service or {})}, **(services or {})}
    conf["routes"] = routes if routes is not None else [{"path": "/", "service": "app"}]
    conf.update(top)
    return {key: value for key, value in conf.items() if value is not None}


def text_of(conf):
    return conf if isinstance(conf, str) else json.dumps(conf, indent=1)
