"""Fixtures of the scenarios; what they are made of is in kit/."""

import resource

import pytest

from kit.certificates import Certificates
from kit.newel import Factory
from kit.origin import Origin
from kit.transcript import Transcript

resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

TRANSCRIPT = pytest.StashKey()


@pytest.fixture
def transcript(request):
    made = Transcript()
    request.node.stash[TRANSCRIPT] = made
    return made


@pytest.fixture
def certificates(tmp_path):
    """An authority, and pairs by it, by others, expired, mismatched. See kit/certificates.py."""
    return Certificates(str(tmp_path / "certificates"))


@pytest.fixture
def origins(transcript, tmp_path):
    """Start nodes: origins("a", "b") by name, origins("c", unix=True) on a Unix socket."""
    made = []

    def start(*names, unix=False, **options):
        started = [Origin(transcript, name, str(tmp_path / f"{name}.sock") if unix else None, **options)
                   for name in names]
        made.extend(started)
        return started if len(started) > 1 else started[0]

    yield start
    for one in made:
        one.stop()


@pytest.fixture
def origin(origins):
    return origins("origin")


@pytest.fixture
def newel(transcript, origins, tmp_path):
    """Start newels: newel(conf), newel(None, "--to", address). See kit/newel.py."""
    factory = Factory(transcript, tmp_path)
    yield factory
    factory.end()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """The transcript stands under every failure."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and TRANSCRIPT in item.stash:
        report.sections.append(("transcript", item.stash[TRANSCRIPT].print()))
