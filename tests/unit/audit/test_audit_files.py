# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an audit: JSON, metrics, and the markup of the page."""

from __future__ import annotations

import json
import re
import stat
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import IamError, OptionError
from ansible_collections.aritma.iam.plugins.module_utils._secrets.age import Limits, read_limits
from ansible_collections.aritma.iam.plugins.plugin_utils._audit._prometheus import metrics
from ansible_collections.aritma.iam.plugins.plugin_utils._audit._report import read_audit, run
from ansible_collections.aritma.iam.plugins.plugin_utils._pages.audit import audit_page
from ansible_collections.aritma.iam.plugins.plugin_utils._pages.timeline import axis_of
from unit.audit.sample import AT, audit_data, client, ours, secret, tenant_of

EVIL = '<script>alert("x")</script>\'&{{ 7*7 }}{% raw %}\\ \n\u2028æøå'

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def _samples(data: dict[str, Any]) -> Samples:
    families = list(text_string_to_metric_families(metrics(read_audit(data))))
    assert all(family.type == "gauge" and family.documentation for family in families)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def _named(samples: Samples, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    return {labels: value for (each, labels), value in samples.items() if each == f"aritma_iam_{name}"}


def test_the_metrics_of_an_audit() -> None:
    data = audit_data(
        [client("a", secret("1", 70, 10, ours(70)), secret("2", None)), client("b", unreadable="403"), client("c")]
    )
    samples = _samples(data)
    key = (("client", "a"), ("client_id", "id-a"), ("secret_id", "1"))
    other = (*key[:2], ("secret_id", "2"))
    assert _named(samples, "secret_due") == {key: 1, other: 0}
    assert _named(samples, "secret_created_timestamp_seconds") == {key: AT.timestamp() - 70 * 86400}
    assert _named(samples, "secret_expiration_timestamp_seconds") == {key: AT.timestamp() + 10 * 86400}
    (about, _other) = _named(samples, "secret_info")
    assert dict(about) == {
        **dict(key),
        "managed_by": "aritma.iam",
        "state": "expires_soon",
        "description": ours(70),
    }
    assert _named(samples, "audit_timestamp_seconds") == {(): AT.timestamp()}
    assert _named(samples, "audit_rotate_after_seconds") == {(): 60 * 86400}
    assert _named(samples, "clients") == {(): 3}
    assert _named(samples, "clients_unreadable") == {(): 1}
    assert _named(samples, "clients_without_secret") == {(): 1}
    assert sum(_named(samples, "secrets").values()) == 2


def test_labels_are_escaped() -> None:
    samples = _samples(audit_data([client(EVIL, secret(EVIL, 1, description=EVIL))]))
    (labels,) = _named(samples, "secret_info")
    told = dict(labels)
    assert (told["client"], told["secret_id"], told["description"]) == (EVIL, EVIL, EVIL)


def test_an_age_limit_that_is_not_set_has_no_sample() -> None:
    samples = _samples(audit_data([client("a", secret("1"))], read_limits("never", "14d")))
    assert not _named(samples, "audit_rotate_after_seconds")


class _Markup(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


def test_names_are_harmless_in_the_page() -> None:
    page = audit_page(read_audit(audit_data([client(EVIL, secret(EVIL, 1, description=EVIL))], tenant=EVIL)))
    markup = _Markup(page)
    names = [tag for tag, _attributes in markup.tags]
    assert (names.count("script"), names.count("style")) == (1, 1)
    assert page.count(EVIL) == 0
    assert any(EVIL.replace("\n", " ") in text.replace("\n", " ") for text in markup.texts)
    assert "49" not in re.sub(r"sha256-\S+|#\w+", "", page[page.index("<body>") :].split("<script>")[0])
    assert not [name for _tag, attributes in markup.tags for name in attributes if name.startswith("on")]


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = audit_page(read_audit(audit_data(tenant_of(5))))
    for tag, attributes in _Markup(page).tags:
        for name in ("src", "href", "action", "srcset", "data", "poster"):
            target = attributes.get(name)
            assert target is None or target.startswith("#") or target == "data:,", (tag, attributes)
        assert "style" not in attributes
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src &#39;none&#39;;")
    assert "unsafe" not in policy[1]
    assert not re.search(r"@import|url\((?!#)", page)


def test_every_secret_is_in_the_table_and_in_the_timeline() -> None:
    data = audit_data(tenant_of(30))
    page = audit_page(read_audit(data))
    markup = _Markup(page)
    rows = [attributes for tag, attributes in markup.tags if tag == "tr" and "data-state" in attributes]
    assert len(rows) == data["summary"]["secrets"] == page.count("<title>") - 1
    ranks = [str(row["data-state"]) for row in rows]
    order = ["expired", "expires_soon", "too_old", "unknown", "superseded", "fresh"]
    assert ranks == sorted(ranks, key=order.index)


@pytest.mark.parametrize("clients", [[], [client("a")], [client("a", unreadable="403")]])
def test_a_page_without_secrets_says_that_nothing_is_due(clients: list[Any]) -> None:
    page = audit_page(read_audit(audit_data(clients, Limits(None))))
    assert "Nothing is due" in page


def test_a_line_that_is_longer_than_the_axis_is_cut_at_both_ends() -> None:
    data = audit_data([client("a", secret("1", 4000, 9000), secret("2", None))])
    axis = axis_of(read_audit(data))
    old, vague = (axis.line(each) for each in read_audit(data).clients[0].secrets)
    assert (old.start, old.end, old.before, old.after) == (0, 100, True, True)
    assert (vague.known, vague.before) == (False, False)
    assert 0 < axis.place(AT) < 100
    assert 2 <= len(axis.ticks()) <= 7
    assert all(0 <= tick.at <= 100 for tick in axis.ticks())


def _options(tmp_path: Path, **options: Any) -> dict[str, Any]:
    data = audit_data([client("æøå", secret("1"))])
    paths = {form: str(tmp_path / f"audit.{form}") for form in ("json", "html")}
    return {"audit": data, **paths, "prometheus": str(tmp_path / "audit.prom"), "mode": "0600", **options}


def test_files_are_written_with_their_modes(tmp_path: Path) -> None:
    options = _options(tmp_path, mode="0640")
    outcome = run(options, False)
    assert not outcome.changed
    assert json.loads((tmp_path / "audit.json").read_text(encoding="utf-8")) == options["audit"]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"audit.json": 0o640, "audit.html": 0o640, "audit.prom": 0o644}


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    assert len(run(_options(tmp_path), True).result["paths"]) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("mode", 640, "mode: 640 is not a file mode"),
        ("mode", "rw-", "mode: 'rw-' is not a file mode"),
        ("mode", "0688", "mode: '0688' is not a file mode"),
        ("prometheus", "metrics.txt", "does not end in .prom"),
        ("audit", {"schema": 2}, "audit is not what secret_audit_info returns: schema"),
    ],
)
def test_options_that_cannot_be_used(tmp_path: Path, option: str, value: object, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        run(_options(tmp_path, **{option: value}), False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_folder_that_is_not_there_is_named_before_anything_is_written(tmp_path: Path, check_mode: bool) -> None:
    options = _options(tmp_path, html=str(tmp_path / "none" / "a.html"))
    with pytest.raises(IamError, match=r"The report .*/none/a.html cannot be written: there is no folder .*/none"):
        run(options, check_mode)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_replaced_is_named(tmp_path: Path) -> None:
    (tmp_path / "audit.html").mkdir()
    with pytest.raises(IamError, match=r"The report .*/audit.html cannot be written: "):
        run(_options(tmp_path), False)


def test_the_command_names_what_a_rotation_would_leave() -> None:
    """A rotation replaces the newest secret of ours. One of another store, or made by hand, must be named."""
    of_another_store = secret("other", 70, None, ours(70, "aaaaaa"))
    page = audit_page(
        read_audit(audit_data([client("a", secret("ours", 65, None, ours(65)), of_another_store, secret("hand", 80))]))
    )
    commands = re.findall(r'class="command"[^>]*><code>([^<]*)', page)
    named = [re.findall(r"service_client_retire_ids\W+(\w+)", unescape(command)) for command in commands]
    assert sorted(named) == [[], ["hand"], ["other"]]
    assert "The next rotation replaces 1 of them." in page and "2 were created elsewhere" in page
