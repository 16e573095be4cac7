"""A real browser for the tests of pages: Debian's chromium, driven by Playwright.

Nothing is downloaded: the browser is the one that is installed, and tests that need one are
skipped where there is none.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""What the browser is called where it is installed, Debian's name first."""
NONE = f"no chromium is installed (none of {', '.join(NAMES)} is on the path)"
WIDE = (1280, 800)
NARROW = (400, 800)
"""A window as on a desk, and as on a telephone: width and height in pixels."""


def find_chromium() -> Path | None:
    """The browser that is installed, or None."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return None if found is None else Path(found)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window; skips the test that asks for it where there is none.

    While it runs, no event loop can be started in this thread: so it is a module's at most.
    """
    path = find_chromium()
    if path is None:
        pytest.skip(NONE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser,
    address: str,
    *,
    size: tuple[int, int] = WIDE,
    dark: bool = False,
) -> Iterator[Page]:
    """A page in a window of its own; fails if it has written an error to the console."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        page.goto(address)
        yield page
        assert errors == []
    finally:
        context.close()
