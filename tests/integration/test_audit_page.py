# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of an audit and of a rotation in a real browser: small, quiet, for everybody, whole without JavaScript."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browser import Window, browser
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ansible_collections.aritma.iam.plugins.plugin_utils._audit._report import read_audit
from ansible_collections.aritma.iam.plugins.plugin_utils._pages.audit import audit_page
from ansible_collections.aritma.iam.plugins.plugin_utils._pages.rotation import STATE_NAMES, rotation_page
from doubles import axe
from doubles.node import OLDEST_NODE, find_node, installed
from unit.audit.sample import audit_data, client, ours, secret, tenant_of

pytestmark = pytest.mark.programs

EVIL = "<script>document.title='x'</script>\"'&{{ 7*7 }}</td></table>æøå"
MANY = 500
MOST_ELEMENTS = 25000
_SHOWN = "return Array.from(document.querySelectorAll('#rows tr')).filter(r => !r.hidden).map(r => r.%s)"
_LANES = """
    const lanes = Array.from(document.querySelectorAll(".lanes .lane"));
    return lanes.filter((lane) => lane.checkVisibility()).map((lane) => lane.dataset.client)
"""
_SHAPES = """
    const shape = (use) => document.querySelector(use.getAttribute("href")).innerHTML;
    return Array.from(document.querySelectorAll(".states use"), shape)
"""
_COLOURS = """
    const rgb = (element, name) => getComputedStyle(element)[name].match(/[\\d.]+/g).slice(0, 3).map(Number);
    const marks = Array.from(document.querySelectorAll(".states .mark"), (mark) => rgb(mark, "color"));
    return [rgb(document.body, "backgroundColor"), ...marks]
"""
_CUT = """
    const box = document.querySelector(".axis svg").getBoundingClientRect();
    const texts = Array.from(document.querySelectorAll(".axis text"), (each) => each.getBoundingClientRect());
    const drawn = texts.filter((each) => each.width);
    const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 4 || b.bottom <= a.top + 4;
    const outside = drawn.filter((each) => each.left < 0 || each.right > innerWidth).length;
    return [outside, drawn.filter((a, i) => drawn.some((b, j) => i < j && !apart(a, b))).length, box.width > 100]
"""


@pytest.fixture(scope="module")
def chrome() -> Iterator[Window]:
    """One browser for all tests of this file."""
    with browser() as started:
        yield Window(started)


@pytest.fixture
def window(chrome: Window) -> Iterator[Window]:
    """The browser, as it is at the start."""
    chrome.reset()
    yield chrome
    chrome.reset()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 500 clients."""
    return _written(tmp_path_factory.mktemp("many"), audit_data(tenant_of(MANY)))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every state, one client that could not be read, and names that would like to be more than names."""
    clients = [
        *tenant_of(8),
        client(EVIL, secret(EVIL, 70, 100, EVIL), secret("vague", None, None, ours(80, "aaaaaa"))),
        client("silent", secret("no-dates", None), secret("soon", 1, 2)),
        client("locked", unreadable="listClientSecrets answered 403."),
        client("empty"),
    ]
    return _written(tmp_path_factory.mktemp("few"), audit_data(clients))


@pytest.fixture(scope="module")
def rotation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a rotation with every state."""
    entry = {"at": "2026-11-24T10:00:00Z", "client_id": EVIL, "reason": EVIL, "rotation_id": "b", "left": [EVIL]}
    more = {"previous_rotation_id": "a", "deliveries": {EVIL: ["probe"], "env": []}, "seconds": 3}
    clients = [{**entry, **more, "client_name": f"{state} {EVIL}", "state": state} for state in STATE_NAMES]
    page = tmp_path_factory.mktemp("rotation") / "rotation.html"
    report = {"schema": 1, "written_at": "2026-11-24T10:00:00Z", "clients": clients}
    page.write_text(rotation_page(report), encoding="utf-8")
    return page


def _written(folder: Path, data: dict[str, Any]) -> Path:
    page = folder / "audit.html"
    page.write_text(audit_page(read_audit(data)), encoding="utf-8")
    return page


def _shown(window: Window, what: str = "dataset.client") -> list[str]:
    told: list[str] = window.ask(_SHOWN % what)
    return told


def test_500_clients_are_no_burden(window: Window, many: Path) -> None:
    """The number of elements decides how fast a browser is. It does not depend on how busy the machine is."""
    window.open(many)
    assert window.complaints() == []
    assert len(set(_shown(window))) == MANY
    assert window.ask("return document.getElementsByTagName('*').length") < MOST_ELEMENTS


def test_names_stay_names(window: Window, few: Path) -> None:
    window.open(few)
    assert window.chrome.title.startswith("Secrets of acme")
    assert window.complaints() == []
    assert any(EVIL in text for text in _shown(window, "textContent"))
    assert window.ask("return document.scripts.length") == 1


@contextmanager
def _served(page: Path) -> Iterator[tuple[str, list[str]]]:
    """The page on a server that notes what it is asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library looks for this name
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page.read_bytes())

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Quietly: what was asked is noted already."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/audit", asked
        server.shutdown()


def test_nothing_else_is_asked_for(window: Window, few: Path) -> None:
    with _served(few) as (url, asked):
        window.chrome.get(url)
        window.ask("document.querySelector('thead button').click()")
        assert asked == ["/audit"]
    assert window.complaints() == []
    assert window.ask("return performance.getEntriesByType('resource').length") == 0


def test_columns_sort_by_keyboard_too(window: Window, few: Path) -> None:
    window.open(few)
    names = _shown(window, "cells[1].textContent.trim()")
    head = window.chrome.find_element(By.CSS_SELECTOR, "th[data-key=client]")
    button = head.find_element(By.TAG_NAME, "button")
    button.send_keys(Keys.ENTER)
    collator = "return arguments[0].sort(new Intl.Collator('en', {numeric: true, sensitivity: 'base'}).compare)"
    ascending = window.ask(collator, names)
    assert _shown(window, "cells[1].textContent.trim()") == ascending != names
    assert head.get_attribute("aria-sort") == "ascending"
    button.send_keys(Keys.SPACE)
    assert head.get_attribute("aria-sort") == "descending"
    assert _shown(window, "cells[1].textContent.trim()") == ascending[::-1]
    assert window.ask("return document.querySelectorAll('[aria-sort]').length") == 1


def test_what_is_not_known_stands_last_either_way(window: Window, few: Path) -> None:
    window.open(few)
    button = window.chrome.find_element(By.CSS_SELECTOR, "th[data-key=end] button")
    for _direction in range(2):
        button.click()
        ends = _shown(window, "dataset.end")
        known = [float(end) for end in ends if end]
        assert ends[len(known) :] == [""] * (len(ends) - len(known))
        assert known in (sorted(known), sorted(known, reverse=True))


def test_filters(window: Window, few: Path) -> None:
    window.open(few)
    everything = _shown(window)
    find = window.chrome.find_element(By.ID, "find")
    find.send_keys("SILENT soon")
    assert _shown(window, "cells[2].textContent.trim()") == ["soon by hand"]
    assert window.ask(_LANES) == ["id-silent"]
    assert window.chrome.find_element(By.ID, "shown").text == f"1 of {len(everything)} secrets"
    find.send_keys("nobody")
    again = window.chrome.find_element(By.ID, "again")
    assert again.is_displayed()
    again.click()
    assert _shown(window) == everything
    tile = window.chrome.find_element(By.CSS_SELECTOR, "[data-state=fresh] button")
    tile.click()
    assert set(_shown(window, "dataset.state")) == {"fresh"}
    assert tile.get_attribute("aria-pressed") == "true"
    manager = window.chrome.find_element(By.CSS_SELECTOR, "[data-filter=manager]")
    window.ask("arguments[0].value = 'others'; arguments[0].dispatchEvent(new Event('change'))", manager)
    assert set(_shown(window, "dataset.manager")) == {"others"}


def test_a_phone_needs_no_scrolling_sideways(window: Window, few: Path) -> None:
    window.resize(360, 740)
    window.open(few)
    assert window.ask("return document.documentElement.scrollWidth") == 360
    sort = window.chrome.find_element(By.ID, "sort")
    assert sort.is_displayed()
    cell = window.chrome.find_element(By.CSS_SELECTOR, "#rows td[data-label='To do']")
    assert cell.is_displayed()
    assert cell.size["width"] > 250


def test_it_is_whole_without_javascript(window: Window, few: Path) -> None:
    window.set(dark=False, script=False)
    window.open(few)
    rows = window.chrome.find_elements(By.CSS_SELECTOR, "#rows tr")
    assert len(rows) > 10
    assert all(row.is_displayed() for row in rows)
    assert window.chrome.find_element(By.CSS_SELECTOR, ".lanes .lane svg").is_displayed()
    assert not window.chrome.find_elements(By.CSS_SELECTOR, "thead button")
    assert not window.chrome.find_element(By.ID, "controls").is_displayed()
    assert window.complaints() == []


@pytest.mark.parametrize("page", ["few", "rotation"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (768, True), (360, True), (320, False)])
def test_nothing_that_axe_objects_to(
    window: Window, request: pytest.FixtureRequest, page: str, width: int, dark: bool
) -> None:
    """WCAG 2.2 A and AA, contrast of text included, and what axe calls best practice."""
    if find_node() is None:
        pytest.skip(f"no Node {OLDEST_NODE} or newer with npm: no axe-core to look for barriers with")
    library = installed(Path(axe.__file__).parent) / "node_modules" / "axe-core" / "axe.min.js"
    window.resize(width, 900)
    window.set(dark=dark, script=True)
    window.open(request.getfixturevalue(page))
    window.ask(library.read_text(encoding="utf-8"))
    found = window.chrome.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    objections = {each["id"]: [node["html"] for node in each["nodes"]] for each in found["violations"]}
    assert objections == {}
    assert {"color-contrast", "button-name", "label"} <= {each["id"] for each in found["passes"]}


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
def test_no_label_of_the_axis_is_cut_off_or_lies_on_another(window: Window, few: Path, width: int) -> None:
    window.resize(width, 900)
    window.open(few)
    assert window.ask(_CUT) == [0, 0, True]
    assert window.ask("return document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [1280, 1920])
def test_an_id_stands_on_one_line(window: Window, tmp_path: Path, width: int) -> None:
    """Room for a UUID, and for the longest state beside the name."""
    long = "74e69a5d-0dd2-7a65-bd62-8881ad1b72db"
    page = _written(tmp_path, audit_data([client(long, secret(long, 30, 5, ours(30)))]))
    window.resize(width, 900)
    window.open(page)
    heights = window.ask("return Array.from(document.querySelectorAll('td.secret code'), e => e.offsetHeight)")
    assert max(heights) < 24
    mark = "const [state, name] = document.querySelector('#rows tr').cells; state.style.width = 'max-content';"
    right, left = window.ask(f"{mark} return [state.getBoundingClientRect().right, name.getBoundingClientRect().left]")
    assert left - right >= 8


@pytest.mark.parametrize("width", [390, 1280])
def test_the_timeline_follows_the_table_and_says_what_it_leaves_out(window: Window, tmp_path: Path, width: int) -> None:
    window.resize(width, 900)
    window.open(_written(tmp_path, audit_data(tenant_of(36))))
    in_order = list(dict.fromkeys(_shown(window)))
    assert window.ask(_LANES) == in_order[:20]
    more = window.chrome.find_element(By.CSS_SELECTOR, "#more button")
    assert more.text == "Show all 36 clients (16 more)"
    window.ask("document.querySelector('th[data-key=client] button').click()")
    assert window.ask(_LANES) == list(dict.fromkeys(_shown(window)))[:20] != in_order[:20]
    more.click()
    assert window.ask(_LANES) == list(dict.fromkeys(_shown(window)))
    assert not more.is_displayed()


def test_what_is_due_has_its_command(window: Window, few: Path) -> None:
    """Each that is due, and no other; the button copies, or at least selects it."""
    window.open(few)
    commands = _shown(window, "querySelector('.command code')?.textContent ?? ''")
    states = _shown(window, "dataset.state")
    due = {"expired", "expires_soon", "too_old"}
    assert [bool(command) for command in commands] == [state in due for state in states]
    assert "ansible-playbook -i inventory.yml aritma.iam.rotate --limit service-002 -e rotation_force=true" in commands
    taken = [command for command in commands if "--limit silent" in command]
    assert [command.split(" -e ")[-1] for command in taken] == ['\'{"service_client_retire_ids": ["soon"]}\'']
    window.chrome.find_element(By.CSS_SELECTOR, ".command button").click()
    assert window.ask("return getSelection().toString()").strip() == commands[0]


def test_paper_is_saved(window: Window, tmp_path: Path) -> None:
    """36 clients fit on four pages of A4."""
    window.open(_written(tmp_path, audit_data(tenant_of(36))))
    paper = window.chrome.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
    assert len(re.findall(rb"/Type\s*/Page\b", base64.b64decode(paper))) <= 4


def test_a_rotation_sorts_and_filters(window: Window, rotation: Path) -> None:
    window.open(rotation)
    assert window.complaints() == []
    assert _shown(window, "dataset.state") == list(STATE_NAMES)
    assert [bool(each) for each in _shown(window, "querySelector('.command code')")] == [True] * 4 + [False] * 4
    window.chrome.find_element(By.CSS_SELECTOR, "[data-state=rotated] button").click()
    assert _shown(window, "dataset.state") == ["rotated"]
    assert window.chrome.find_element(By.ID, "shown").text == f"1 of {len(STATE_NAMES)} clients"


@pytest.mark.parametrize("dark", [False, True])
def test_every_state_differs_by_shape_and_stands_out(window: Window, few: Path, dark: bool) -> None:
    """WCAG 1.4.1 and 1.4.11: no state is told by its colour alone, and marks have a contrast of 3:1."""
    window.set(dark=dark, script=True)
    window.open(few)
    shapes = window.ask(_SHAPES)
    assert len(set(shapes)) == len(shapes) == 6
    colours = window.ask(_COLOURS)
    paper, *inks = (_luminance(colour) for colour in colours)
    assert all((max(paper, ink) + 0.05) / (min(paper, ink) + 0.05) >= 3 for ink in inks)


def _luminance(colour: list[float]) -> float:
    """Relative luminance as WCAG defines it."""
    linear = [each / 255 / 12.92 if each <= 10 else ((each / 255 + 0.055) / 1.055) ** 2.4 for each in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
