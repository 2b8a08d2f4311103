"""Commands that show their progress: on a terminal only, and what a scenario waits for."""

import json
import os
import pty
import re
import signal
import subprocess

from kit.newel import BINARY, environment


def interrupted_at(pattern, *arguments):
    """Ctrl-C once the progress has shown the pattern; the report as JSON."""
    master, slave = pty.openpty()
    child = subprocess.Popen([BINARY, *map(str, arguments), "--json"], stdout=subprocess.PIPE, stderr=slave,
                             env=environment())
    os.close(slave)
    seen = b""
    while not re.search(pattern, seen):
        seen += os.read(master, 4096)
    child.send_signal(signal.SIGINT)
    out = child.communicate()[0]
    os.close(master)
    assert child.returncode == 1, seen
    return json.loads(out)
