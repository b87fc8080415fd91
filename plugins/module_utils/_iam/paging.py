# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads paged lists of every style: page numbers under ``metadata``, flat page numbers, cursors, and mixtures of them.

A link in an answer only shows that there are more pages. It is never followed, so that no token is sent to its target.
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
"""Page sizes to request, smaller with a filter. No limit is documented, so the next size is tried if one is refused."""

MAX_PAGES = 1000
_LONGEST_NUMBER = 20
_WALKS = 4
"""How often a list is read if it changes meanwhile."""

_HOMES = ("metadata", "meta", "paging", "pagination", "page", "pageinfo", "links", "cursor", "cursors")

T = TypeVar("T")


@dataclass(frozen=True)
class Paging:
    """What an answer says about its place in a paged list. None means that it says nothing.

    ``count`` is the length of the whole list or of this page.
    """

    page: int | None = None
    page_size: int | None = None
    total: int | None = None
    total_pages: int | None = None
    count: int | None = None
    cursor: str | None = None
    more: bool | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list: its entries and its paging."""

    entries: Sequence[T]
    paging: Paging = field(default_factory=Paging)


def read_paging(data: object) -> Paging:
    """The paging in an answer, in any of the styles."""
    homes = [home for envelope in envelopes(data) for home in (envelope, *_homes_in(envelope))]

    def found(*names: str) -> list[Any]:
        return [home[name] for name in names for home in homes if home.get(name) is not None]

    def number(*names: str) -> int | None:
        return next((int(value) for value in found(*names) if _is_number(value)), None)

    # "cursor" is last, because a server that shows several may repeat the requested cursor under this name.
    cursors = found("nextcursor", "continuationtoken", "nexttoken", "cursor")
    flags = [
        flag for flag in found("hasmore", "hasnext", "hasnextpage", "more", "istruncated") if isinstance(flag, bool)
    ]
    flags += [not flag for flag in found("last", "islast", "lastpage", "islastpage") if isinstance(flag, bool)]
    links = [value for home in homes for name, value in home.items() if name.startswith(("next", "@odata.next"))]
    return Paging(
        page=number("page", "pagenumber", "currentpage", "pageindex", "number"),
        page_size=number("pagesize", "perpage", "limit", "size") or None,
        total=number("totalcount", "total", "totalitems", "totalelements", "totalrecords"),
        total_pages=number("totalpages", "pagecount", "pages", "numpages", "lastpage"),
        count=number("count", "@odata.count", "rowcount"),
        cursor=next((str(value) for value in cursors if value and isinstance(value, (str, int))), None),
        more=next(iter(flags), True if any(links) else None),
    )


def _homes_in(envelope: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    homes = [folded(home) for home in map(envelope.get, _HOMES) if isinstance(home, Mapping)]
    return homes + [inner for home in homes for inner in _homes_in(home)]


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return value.isascii() and value.isdigit() and len(value) < _LONGEST_NUMBER
    return isinstance(value, int) and not isinstance(value, bool)


def walk(operation: str, fetch: Callable[[Query], Page[T]], identity: Callable[[T], Hashable], first: Query) -> list[T]:
    """Every entry of the list, each once. The first request has the query ``first``.

    ``first`` has ``pageSize`` if the operation has pages. Raises ``ContractError`` if there is no last page.

    If an entry is deleted from a page that was already read, another entry moves to that page and would be missed. So
    a list is read again if its length has changed meanwhile. If it keeps changing, all entries seen are returned.
    """
    seen: dict[Hashable, T] = {}
    for _walk in range(_WALKS):
        held, totals = _walked(operation, fetch, identity, first)
        seen |= held
        if len(totals) < 2 or max(totals) < len(held):  # a total that is too small is ignored
            return list(held.values())
    return list(seen.values())


def _walked(
    operation: str, fetch: Callable[[Query], Page[T]], identity: Callable[[T], Hashable], first: Query
) -> tuple[dict[Hashable, T], set[int]]:
    """Read the list once. Returns its entries, and the total lengths that its pages showed."""
    held: dict[Hashable, T] = {}
    totals: set[int] = set()
    asked: Query | None = first
    cursors: set[object] = set()
    without_number: Query | None = None
    for _number in range(MAX_PAGES):
        if asked is None:
            if without_number is not None:
                # A server that counts from 0 and shows no page number: page 1 was left out, so read it now.
                held |= {identity(entry): entry for entry in fetch({**without_number, "page": 1}).entries}
            return held, totals
        cursors.add(asked.get("cursor"))
        page = fetch(asked)
        totals |= set() if page.paging.total is None else {page.paging.total}
        new = {identity(entry): entry for entry in page.entries if identity(entry) not in held}
        held.update(new)
        repeated = bool(page.entries) and not new
        without_number = asked if "page" in asked and page.paging.page is None and not repeated else None
        asked = following(page, asked, held=len(held), new=len(new), cursors=cursors)
    raise ContractError(
        f"{operation} has more than {MAX_PAGES} pages: its paging does not end.",
        hint=LOOK_AT,
        operation=operation,
        expected=f"at most {MAX_PAGES} pages",
        received=f"{len(held)} entries and no last page",
        option="api_url",
    )


def following(page: Page[T], asked: Query, *, held: int, new: int, cursors: set[object]) -> Query | None:
    """The query for the page after ``page``; None if that was the last one.

    ``held`` is the number of entries so far, ``new`` of them from this page. ``cursors`` have already been used.
    """
    paging = page.paging
    if page.entries and not new:
        return None  # the server repeats itself
    if paging.cursor is not None:
        return None if paging.cursor in cursors else {**asked, "cursor": paging.cursor}
    if not page.entries or "cursor" in asked or not _has_more(page, asked, held):
        return None
    # The first request has no page number, so the number in the answer also shows if the server counts from 0 or 1.
    number = paging.page if paging.page is not None else int(asked.get("page") or 1)
    size = _step(page, asked)
    return {**asked, "page": number + 1, **({} if size is None else {"pageSize": size})}


def _has_more(page: Page[T], asked: Query, held: int) -> bool:
    paging = page.paging
    if paging.total is not None and paging.total >= held:  # a total that is too small is ignored
        return held < paging.total
    if paging.total_pages is not None and paging.page is not None:
        return paging.page < paging.total_pages
    if paging.more is not None:
        return paging.more
    if paging.count is not None and paging.count > held:
        return True
    if "pageSize" not in asked:
        # This list is not known to have pages, so only an answer that shows a page size can have a successor.
        return paging.page_size is not None and len(page.entries) >= paging.page_size
    # The answer says nothing. A full page may have a successor. So may a page of a round number of entries, to which a
    # server may have limited it silently. At worst the next page has nothing new.
    length = len(page.entries)
    return length >= (paging.page_size or int(asked["pageSize"])) or length % 10 == 0


def _step(page: Page[T], asked: Query) -> int | None:
    """The page size with which the next page begins where this one ended."""
    size = page.paging.page_size or (int(asked["pageSize"]) if "pageSize" in asked else None)
    if size is None or "page" in asked:
        return size
    # If the first page is short although there is more, its length is the limit, whatever size the answer shows.
    return min(size, len(page.entries))
