# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium to look at pages with. It talks to nobody but this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from programs import find_chromedriver, find_chromium

_SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"),
    *("--no-first-run", "--disable-extensions", "--disable-default-apps"),
)


@contextmanager
def browser() -> Iterator[Chrome]:
    """A browser with an empty profile; ``make programs`` installs it where it is missing."""
    chromium, driver = find_chromium(), find_chromedriver()
    assert chromium, "no Chromium: run `make programs`"
    assert driver, "no chromedriver: run `make programs`"
    options = ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for switch in (*_SWITCHES, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        chrome = Chrome(options=options, service=Service(driver))
        try:
            yield chrome
        finally:
            chrome.quit()


class Window:
    """One window of a browser, and what a person could set about it."""

    def __init__(self, chrome: Chrome) -> None:
        self.chrome = chrome

    def open(self, page: Path) -> None:
        """Open a page, and forget what the console said before."""
        self.complaints()
        self.chrome.get(page.as_uri())

    def reset(self) -> None:
        """As it was at the start: a wide window, light, with JavaScript."""
        self.resize(1280, 900)
        self.set(dark=False, script=True)

    def resize(self, width: int, height: int) -> None:
        """The size of the page, in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def set(self, *, dark: bool, script: bool) -> None:
        """The person's taste, and whether pages may run scripts from the next load on."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})

    def ask(self, script: str, *arguments: Any) -> Any:
        """What a line of JavaScript returns."""
        return self.chrome.execute_script(script, *arguments)

    def complaints(self) -> list[str]:
        """What the console said since it was asked last."""
        return [str(entry["message"]) for entry in self.chrome.get_log("browser")]
