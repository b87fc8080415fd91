# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One walker for every paged list: page numbers under ``metadata``, flat page numbers, cursors, and mixtures of them.

A link in an answer is a hint that there is more; it is never followed, so no token goes where it points.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from .._core.errors import ContractError
from .._http.session import Query
from .contract import LOOK_AT, envelopes, folded

FILTERED_SIZES = (50, 10)
PAGE_SIZES = (200, *FILTERED_SIZES)
"""Entries to ask for in one page: less where a filter leaves few. No limit is published: a server may refuse one."""

MAX_PAGES = 1000
_LONGEST_NUMBER = 20
_WALKS = 4
"""How often a list is read that changes while it is read."""

_HOMES = ("metadata", "meta", "paging", "pagination", "page", "pageinfo", "links")

T = TypeVar("T")


@dataclass(frozen=True)
class Paging:
    """What an answer says about its place in a paged list; None where it says nothing."""

    page: int | None = None
    page_size: int | None = None
    total: int | None = None
    total_pages: int | None = None
    cursor: str | None = None
    more: bool | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """One answer of a list: its entries and its paging."""

    entries: Sequence[T]
    paging: Paging = field(default_factory=Paging)


def read_paging(data: object) -> Paging:
    """The paging in an answer, whichever of the styles it has."""
    homes = [home for envelope in envelopes(data) for home in (envelope, *_homes_in(envelope))]

    def found(*names: str) -> list[Any]:
        return [home[name] for name in names for home in homes if home.get(name) is not None]

    def number(*names: str) -> int | None:
        return next((int(value) for value in found(*names) if _is_number(value)), None)

    # "cursor" last: a server that shows both may repeat under that name the one that was asked for.
    cursors = found("nextcursor", "continuationtoken", "nexttoken", "cursor")
    flags = [flag for flag in found("hasmore", "hasnext", "hasnextpage") if isinstance(flag, bool)]
    return Paging(
        page=number("page", "pagenumber", "currentpage", "pageindex", "number"),
        page_size=number("pagesize", "perpage", "limit", "size") or None,
        total=number("totalcount", "total", "totalitems", "totalelements", "totalrecords"),
        total_pages=number("totalpages", "pagecount"),
        cursor=next((str(value) for value in cursors if value and isinstance(value, (str, int))), None),
        more=next(iter(flags), True if any(found("next")) else None),
    )


def _homes_in(envelope: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [folded(home) for home in map(envelope.get, _HOMES) if isinstance(home, Mapping)]


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return value.isascii() and value.isdigit() and len(value) < _LONGEST_NUMBER
    return isinstance(value, int) and not isinstance(value, bool)


def walk(operation: str, fetch: Callable[[Query], Page[T]], identity: Callable[[T], Hashable], first: Query) -> list[T]:
    """Every entry of the list, each once, beginning with the query ``first``.

    ``first`` holds ``pageSize`` where the operation has pages. Raises ``ContractError`` when there is no end.

    Where an entry is deleted from a page that was read, another one moves to that page, and no later page shows it.
    So a list whose length has changed meanwhile is read again; where it is never at rest, all that was seen is taken.
    """
    seen: dict[Hashable, T] = {}
    for _walk in range(_WALKS):
        held, totals = _walked(operation, fetch, identity, first)
        seen |= held
        if len(totals) < 2 or max(totals) < len(held):  # less than there is: it does not count
            return list(held.values())
    return list(seen.values())


def _walked(
    operation: str, fetch: Callable[[Query], Page[T]], identity: Callable[[T], Hashable], first: Query
) -> tuple[dict[Hashable, T], set[int]]:
    """What one walk has found, and the lengths of the list that its pages told."""
    held: dict[Hashable, T] = {}
    totals: set[int] = set()
    asked: Query | None = first
    cursors: set[object] = set()
    unechoed: Query | None = None
    for _number in range(MAX_PAGES):
        if asked is None:
            if unechoed is not None:
                # Who counts from 0 and does not say so had its second page left out, by the step from none to number 2.
                held |= {identity(entry): entry for entry in fetch({**unechoed, "page": 1}).entries}
            return held, totals
        cursors.add(asked.get("cursor"))
        page = fetch(asked)
        totals |= set() if page.paging.total is None else {page.paging.total}
        new = {identity(entry): entry for entry in page.entries if identity(entry) not in held}
        held.update(new)
        repeated = bool(page.entries) and not new
        unechoed = asked if "page" in asked and page.paging.page is None and not repeated else None
        asked = following(page, asked, held=len(held), new=len(new), cursors=cursors)
    raise ContractError(
        f"{operation} has more than {MAX_PAGES} pages: its paging does not come to an end.",
        hint=LOOK_AT,
        operation=operation,
        expected=f"at most {MAX_PAGES} pages",
        received=f"{len(held)} entries and no last page",
        option="api_url",
    )


def following(page: Page[T], asked: Query, *, held: int, new: int, cursors: set[object]) -> Query | None:
    """The query for the page after ``page``, or None when that was the last one.

    ``held`` entries are known by now, ``new`` of them from this page; ``cursors`` were used already.
    """
    paging = page.paging
    if page.entries and not new:
        return None  # the server repeats itself
    if paging.cursor is not None:
        return None if paging.cursor in cursors else {**asked, "cursor": paging.cursor}
    if not page.entries or "cursor" in asked or not _has_more(page, asked, held):
        return None
    # The first request names no page, so that the echoed number also tells whether the server counts from 0 or 1.
    number = paging.page if paging.page is not None else int(asked.get("page") or 1)
    size = _step(page, asked)
    return {**asked, "page": number + 1, **({} if size is None else {"pageSize": size})}


def _has_more(page: Page[T], asked: Query, held: int) -> bool:
    paging = page.paging
    if paging.total is not None and paging.total >= held:  # less than there is: it does not count
        return held < paging.total
    if paging.total_pages is not None and paging.page is not None:
        return paging.page < paging.total_pages
    if paging.more is not None:
        return paging.more
    if "pageSize" not in asked:
        return False  # this list is not known to have pages
    # No word about the rest. A page that is full may have a successor, and so may one that a silent limit cut: such a
    # limit is a round number. At worst the next page brings nothing new.
    length = len(page.entries)
    return length >= (paging.page_size or int(asked["pageSize"])) or length % 10 == 0


def _step(page: Page[T], asked: Query) -> int | None:
    """The page size that makes the next page begin where this one ended."""
    size = page.paging.page_size or (int(asked["pageSize"]) if "pageSize" in asked else None)
    if size is None or "page" in asked:
        return size
    # The first page is short although there is more: its length is the limit, whatever the echo says.
    return min(size, len(page.entries))
