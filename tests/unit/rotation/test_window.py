# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The windows in which a rotation may begin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.plugin_utils._rotation.window import closed_until, read_windows

OFFICE = ["Mon-Fri 09:00-15:00 Europe/Oslo"]
NIGHT = ["Fri-Mon 22:00-04:00 Europe/Oslo"]

# 2026-11-27 is a Friday; Oslo is an hour ahead of UTC in winter, two in summer.
TIMES: list[tuple[list[str], str, str]] = [
    ([], "2026-11-28T12:00", ""),
    (OFFICE, "2026-11-27T07:59", "2026-11-27T08:00:00Z"),
    (OFFICE, "2026-11-27T08:00", ""),
    (OFFICE, "2026-11-27T13:59", ""),
    (OFFICE, "2026-11-27T14:00", "2026-11-30T08:00:00Z"),
    (OFFICE, "2026-11-28T10:00", "2026-11-30T08:00:00Z"),
    (OFFICE, "2026-07-01T07:00", ""),
    (OFFICE, "2026-07-01T06:59", "2026-07-01T07:00:00Z"),
    (NIGHT, "2026-11-27T21:30", ""),
    (NIGHT, "2026-11-28T02:59", ""),
    (NIGHT, "2026-11-28T03:00", "2026-11-28T21:00:00Z"),
    (NIGHT, "2026-12-01T02:30", ""),  # Tuesday, in the window of Monday night
    (NIGHT, "2026-12-01T22:00", "2026-12-04T21:00:00Z"),
    (["09:00-10:00"], "2026-11-28T09:30", ""),
    (["00:00-24:00 UTC"], "2026-11-28T23:59", ""),
    (["Sat 23:00-24:00"], "2026-11-29T00:00", "2026-12-05T23:00:00Z"),
    (["monday, WED 9:00 - 10:00 UTC", "Sun 12:00\u201313:00"], "2026-12-02T09:10", ""),
    (["monday, WED 9:00 - 10:00 UTC", "Sun 12:00\u201313:00"], "2026-11-29T12:00", ""),
    (["Mon", "Wed 09:00-10:00"], "2026-11-30T09:00", ""),  # Ansible cuts a text at its commas
    (["Mon 09:00-10:00, Tue 11:00-12:00"], "2026-11-30T10:00", "2026-12-01T11:00:00Z"),
]


@pytest.mark.parametrize(("texts", "at", "opens"), TIMES)
def test_when_a_window_opens(texts: Sequence[str], at: str, opens: str) -> None:
    """In the time of its zone. A window may cross midnight and the end of the week."""
    moment = datetime.fromisoformat(at).replace(tzinfo=timezone.utc)
    assert closed_until(read_windows(texts), moment) == opens


WRONG = {
    "Mon-Fri": "it is not a window",
    "Mon-Fri 9-15": "it is not a window",
    "Mon-Fri 09:00-15:00 Europe/Olso": "no time zone Europe/Olso",
    "Mon-Fri 09:00-15:00 ../etc/passwd": "no time zone",
    "Man-Fri 09:00-15:00": "no day Man",
    "Mon 09:00-09:00": "it has no length",
    "Mon 24:00-02:00": "it has no length",
    "Mon 09:60-10:00": "no time 09:60",
    "Mon 09:00-25:00": "no time 25:00",
    "Mon-Tue-Wed 09:00-10:00": "it is not a window",
    "always": "it is not a window",
    "Mon 09:00-10:00, Tue": "it is not a window",
}


@pytest.mark.parametrize(("text", "said"), WRONG.items())
def test_a_text_that_is_no_window_is_refused(text: str, said: str) -> None:
    """The message says what is wrong, and how to write a window."""
    with pytest.raises(OptionError, match=said) as raised:
        read_windows([text])
    assert "Europe/Oslo" in raised.value.hint
