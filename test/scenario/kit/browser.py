"""Chromium on a page of ours, asked through its debugging pipe: what it fetched, what it had to say on
its console, what the page looks like in light and dark, on a phone and on paper.
"""

import json
import os
import select
import shutil
import subprocess
import time

from .wire import PATIENCE_S

OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--no-proxy-server", "--hide-scrollbars", "--remote-debugging-pipe"]


class Browser:
    """A context manager. `open` shows a page from its beginning; `events` are those since then."""

    def __init__(self, transcript, profile):
        found = shutil.which("chromium")
        assert found, "chromium is not installed; tools/setup.sh test installs it"
        self.transcript, self.events, self.count, self.rest = transcript, [], 0, b""
        to_browser, self.to = os.pipe()
        self.answers, from_browser = os.pipe()
        wrapper = f'exec "$@" 3<&{to_browser} 4>&{from_browser} 2>/dev/null'
        self.process = subprocess.Popen(
            ["bash", "-c", wrapper, "chromium", found, *OPTIONS, f"--user-data-dir={profile}",
             "about:blank"], pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.session = None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"],
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(domain + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session = None
        self.call("Browser.close")
        self.process.wait(PATIENCE_S)
        os.close(self.to)
        os.close(self.answers)

    def message(self):
        """The next one, an answer or an event."""
        until = time.monotonic() + PATIENCE_S
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.answers], [], [], max(0, until - time.monotonic()))
            assert ready, "chromium does not answer"
            more = os.read(self.answers, 1 << 20)
            assert more, "chromium is gone"
            self.rest += more
        line, self.rest = self.rest.split(b"\0", 1)
        return json.loads(line)

    def call(self, method, **params):
        self.count += 1
        asked = {"id": self.count, "method": method, "params": params}
        if self.session is not None:
            asked["sessionId"] = self.session
        os.write(self.to, json.dumps(asked).encode() + b"\0")
        while True:
            got = self.message()
            if got.get("id") == self.count:
                assert "error" not in got, (method, got["error"])
                return got["result"]
            self.events.append(got)

    def open(self, path, scheme="light", width=1100, height=900):
        """The file, once it has loaded and nothing more can happen to it."""
        self.call("Emulation.setEmulatedMedia", media="screen",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.events = []
        self.call("Page.navigate", url=f"file://{path}")
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())
        self.ask("1")  # whatever it had to say stands before this answer

    def ask(self, expression):
        """The value of an expression of JavaScript, by way of the debugger: the page runs none."""
        got = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in got, got
        return got["result"].get("value")

    def fetched(self):
        """Addresses asked for, the page itself left out."""
        asked = [event["params"]["request"]["url"] for event in self.events
                 if event["method"] == "Network.requestWillBeSent"]
        return asked[1:]

    def said(self):
        """Whatever appeared on the console, mistakes and warnings included."""
        return [event["params"] for event in self.events
                if event["method"] in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown",
                                       "Log.entryAdded")]
