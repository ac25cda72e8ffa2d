"""A headless Chromium with the network taken away, for every test that looks at a page."""

import contextlib
import functools
import http.server
import os
import re
import shutil
import threading
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FLAGS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
NOT_RUN = (
    "NO CHROMIUM: nothing that needs a browser was tested (pages, widgets). "
    "Install Chromium or Chrome and run the tests again."
)


def find_chromium():
    """Name the program to start, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def need_chromium():
    """Name the program to start. Without one: fail where CI=true, else skip and say what did not run."""
    program = find_chromium()
    if program:
        return program
    return (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(NOT_RUN)


@contextlib.contextmanager
def chromium_running(program):
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *sandbox])
        yield browser
        browser.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps the connection open: a page asks for thirty files

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    """Serve a folder on a free port of this machine. Gives its origin, without a slash at the end."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@dataclass
class Tab:
    """A page and what went wrong in it: errors, missing files, requests to anywhere but home."""

    page: Page
    problems: list[str] = field(default_factory=list)


@contextlib.contextmanager
def tab(browser: Browser, home: str, *, width=1280, height=900, theme="light", **settings):
    """Open an empty tab that reaches addresses starting with `home` and nothing else.

    `settings` are those of a browser context: java_script_enabled=False, reduced_motion="reduce".
    """
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, service_workers="block", **settings
    )
    context.set_default_timeout(30_000)
    opened = Tab(context.new_page())
    note = opened.problems.append

    def refuse(route):
        note(f"asks for {route.request.url}")
        route.abort()

    def failed(request):
        # "csp" is how Chromium reports a script that it was told not to run.
        if request.url.startswith(home) and request.failure not in ("net::ERR_ABORTED", "csp"):
            note(f"cannot load {request.url.removeprefix(home)}: {request.failure}")

    context.route(re.compile(rf"^(?!{re.escape(home)}|data:|blob:|about:)"), refuse)
    page = opened.page
    page.on("websocket", lambda socket: note(f"asks for {socket.url}"))
    page.on("pageerror", lambda error: note(f"throws {error}"))
    page.on("console", lambda said: said.type == "error" and note(f"logs an error: {said.text}"))
    page.on("requestfailed", failed)
    page.on(
        "response",
        lambda reply: reply.status >= 400 and note(f"misses {reply.url.removeprefix(home)} ({reply.status})"),
    )
    try:
        yield opened
    finally:
        context.close()
