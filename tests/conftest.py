"""What all tests share: where the strategies live, how hypothesis runs, how a refusal is checked."""

import re
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

# The same cases in every run and on every machine, and no clock: this machine may be busy.
settings.register_profile("book", deadline=None, derandomize=True, database=None, max_examples=60)
settings.load_profile("book")


@pytest.fixture(scope="session")
def chromium():
    """The one browser of a run: Playwright's synchronous interface works once at a time."""
    from support.browser import chromium_running, need_chromium

    with chromium_running(need_chromium()) as browser:
        yield browser


@pytest.fixture
def refuses():
    """`with refuses(message):` passes when the block raises an error that says exactly `message`."""

    def expect(message, error=ValueError):
        return pytest.raises(error, match=f"^{re.escape(message)}$")

    return expect


def pytest_terminal_summary(terminalreporter):
    """Say it once more, loudly, if there was no browser."""
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    loud = [reason for reason in skipped if "NO CHROMIUM" in reason]
    if loud:
        terminalreporter.write_sep("!", f"{len(loud)} tests did not run: NO CHROMIUM", red=True, bold=True)
