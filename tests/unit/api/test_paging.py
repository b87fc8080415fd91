# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk through paged lists, on servers that page in every way, some of them wrongly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import ContractError
from ansible_collections.aritma.iam.plugins.module_utils._http.session import Query
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import read_entries
from ansible_collections.aritma.iam.plugins.module_utils._iam.paging import MAX_PAGES, Page, read_paging, walk

Server = Callable[[Query], Any]
Build = Callable[[list[int], int], Server]


def _read(server: Server, first: Query, asked: list[Query] | None = None) -> list[int]:
    def fetch(query: Query) -> Page[int]:
        if asked is not None:
            asked.append(query)
        data = server(query)
        return Page(read_entries("listThings", data), read_paging(data))

    return walk("listThings", fetch, lambda entry: entry, first)


def _slice(held: list[int], query: Query, limit: int, first: int = 1) -> tuple[list[int], int, int]:
    size = min(int(query.get("pageSize") or limit), limit)
    page = int(query.get("page", first) or 0)
    start = (page - first) * size
    return held[start : start + size], page, size


def metadata(held: list[int], limit: int) -> Server:
    """Page, size and total in a member of their own."""

    def answer(query: Query) -> Any:
        items, page, size = _slice(held, query, limit)
        return {"items": items, "metadata": {"page": page, "pageSize": size, "totalCount": len(held)}}

    return answer


def flat(held: list[int], limit: int) -> Server:
    """Page, size and number of pages beside the items."""

    def answer(query: Query) -> Any:
        items, page, size = _slice(held, query, limit)
        pages = -(-len(held) // size)
        return {"items": items, "page": page, "pageSize": size, "count": len(items), "totalPages": pages}

    return answer


def from_zero(held: list[int], limit: int) -> Server:
    """The first page is page 0."""

    def answer(query: Query) -> Any:
        items, page, size = _slice(held, query, limit, first=0)
        return {"items": items, "metadata": {"page": page, "pageSize": size, "totalCount": len(held)}}

    return answer


def repeats_the_page_size(held: list[int], limit: int) -> Server:
    """Shows the page size that was asked for, also where it serves smaller pages."""

    def answer(query: Query) -> Any:
        items, page, _size = _slice(held, query, limit)
        return {"items": items, "page": page, "pageSize": query.get("pageSize"), "total": len(held)}

    return answer


def serves_short_pages(held: list[int], limit: int) -> Server:
    """Counts pages in the size that was asked for, but serves fewer entries."""

    def answer(query: Query) -> Any:
        size = int(query.get("pageSize") or limit)
        start = (int(query.get("page") or 1) - 1) * size
        return {"items": held[start : start + size][:limit], "page": query.get("page", 1), "total": len(held)}

    return answer


def cursor(held: list[int], limit: int) -> Server:
    """Names the cursor of the next page."""

    def answer(query: Query) -> Any:
        start = int(query.get("cursor") or 0)
        after = start + limit
        return {"items": held[start:after], "cursor": str(after) if after < len(held) else None}

    return answer


def next_cursor(held: list[int], limit: int) -> Server:
    """Repeats the cursor of the query; that of the next page is in the metadata."""

    def answer(query: Query) -> Any:
        start = int(query.get("cursor") or 0)
        after = start + limit
        following = str(after) if after < len(held) else ""
        return {"items": held[start:after], "cursor": query.get("cursor"), "metadata": {"nextCursor": following}}

    return answer


def in_an_envelope(build: Build) -> Build:
    """The same in an envelope."""

    def built(held: list[int], limit: int) -> Server:
        server = build(held, limit)
        return lambda query: {"status": "ok", "result": server(query)}

    return built


def from_zero_without_page_numbers(held: list[int], limit: int) -> Server:
    """The first page is page 0, but no answer shows its number."""

    def answer(query: Query) -> Any:
        return {"items": _slice(held, query, limit, first=0)[0], "total": len(held)}

    return answer


def without_a_total(held: list[int], limit: int) -> Server:
    """Gives -1 as the total."""

    def answer(query: Query) -> Any:
        items, page, size = _slice(held, query, limit)
        return {"items": items, "page": page, "pageSize": size, "totalCount": -1}

    return answer


def links_only(held: list[int], limit: int) -> Server:
    """Only a link says that there is another page, and it leads elsewhere."""

    def answer(query: Query) -> Any:
        items, page, size = _slice(held, query, limit)
        more = page * size < len(held)
        return {"items": items, "links": {"next": "https://elsewhere.example/v0?page=9" if more else None}}

    return answer


SAYS: dict[str, Callable[[int, int, int], Any]] = {
    "next_link": lambda page, pages, _count: "https://elsewhere.example/x" if page < pages else None,
    "@odata.nextLink": lambda page, pages, _count: "https://elsewhere.example/x" if page < pages else None,
    "nextPage": lambda page, pages, _count: page + 1 if page < pages else None,
    "isLast": lambda page, pages, _count: page >= pages,
    "last": lambda page, pages, _count: page >= pages,
    "isTruncated": lambda page, pages, _count: page < pages,
    "more": lambda page, pages, _count: page < pages,
    "count": lambda _page, _pages, count: count,
    "@odata.count": lambda _page, _pages, count: count,
    "pagination": lambda page, _pages, count: {"pagination": {"page": page, "total": count}},
    "pages": lambda _page, pages, _count: pages,
}
"""Members that say that there are more pages, or how many."""


@pytest.mark.parametrize("name", SAYS)
@given(count=st.integers(0, 40), limit=st.sampled_from([3, 7]), sized=st.booleans())
def test_whatever_says_that_there_is_more_is_believed(name: str, count: int, limit: int, sized: bool) -> None:
    """Also in a list that is asked for without a page size."""
    held = list(range(count))

    def answer(query: Query) -> Any:
        items, page, _size = _slice(held, {**query, "pageSize": limit}, limit)
        said = SAYS[name](page, -(-count // limit), count)
        told = {"meta": said} if isinstance(said, dict) else {name: said}
        return {"items": items, **told, **({"page": page} if name == "pages" else {})}

    assert sorted(_read(answer, {"pageSize": 200} if sized else {})) == held


def test_a_full_page_of_a_size_that_is_shown_may_have_a_successor() -> None:
    held = list(range(8))

    def answer(query: Query) -> Any:
        items, page, _size = _slice(held, query, 3)
        return {"items": items, "metadata": {"page": page, "pageSize": 3}}

    assert _read(answer, {}) == held


@pytest.mark.parametrize(
    "build",
    [
        metadata,
        flat,
        from_zero,
        repeats_the_page_size,
        serves_short_pages,
        from_zero_without_page_numbers,
        without_a_total,
        cursor,
        next_cursor,
        links_only,
        in_an_envelope(metadata),
        in_an_envelope(cursor),
        in_an_envelope(flat),
    ],
)
@given(count=st.integers(0, 130), limit=st.sampled_from([1, 3, 10, 20, 50, 200]))
def test_every_entry_is_found_once(build: Build, count: int, limit: int) -> None:
    held = list(range(count))
    assert sorted(_read(build(held, limit), {"pageSize": 200})) == held


@given(count=st.integers(0, 130), limit=st.sampled_from([10, 20, 50, 100, 200]))
def test_a_bare_array_that_is_cut_at_a_round_number_is_read_to_its_end(count: int, limit: int) -> None:
    held = list(range(count))
    assert _read(lambda query: _slice(held, query, limit)[0], {"pageSize": 200}) == held


@pytest.mark.parametrize("count", [0, 1, 7, 50, 200])
def test_a_server_that_ignores_paging_is_asked_at_most_twice(count: int) -> None:
    asked: list[Query] = []
    assert _read(lambda _query: list(range(count)), {"pageSize": 200}, asked) == list(range(count))
    assert len(asked) <= 2


def test_a_list_that_is_not_known_to_have_pages_is_read_once() -> None:
    asked: list[Query] = []
    assert _read(lambda _query: list(range(10)), {}, asked) == list(range(10))
    assert asked == [{}]


def test_a_list_that_turns_out_to_have_pages_is_read_to_its_end() -> None:
    held = list(range(25))
    assert _read(metadata(held, 10), {}) == held


def test_a_repeated_cursor_ends_the_walk() -> None:
    assert _read(lambda _query: {"items": [1], "cursor": "same"}, {"pageSize": 200}) == [1]


def test_a_repeated_page_ends_the_walk() -> None:
    assert _read(lambda _query: {"items": [1, 2], "total": 100}, {"pageSize": 200}) == [1, 2]


def test_an_empty_page_with_a_new_cursor_is_not_the_last() -> None:
    pages: dict[object, tuple[list[int], str | None]] = {None: ([1], "a"), "a": ([], "b"), "b": ([2], None)}

    def answer(query: Query) -> Any:
        items, following = pages[query.get("cursor")]
        return {"items": items, "cursor": following}

    assert _read(answer, {"pageSize": 200}) == [1, 2]


def test_a_total_that_ignores_the_filter_does_not_keep_the_walk_going() -> None:
    asked: list[Query] = []

    def answer(query: Query) -> Any:
        return {"items": [] if "page" in query else [1, 2], "total": 35}

    assert _read(answer, {"pageSize": 50}, asked) == [1, 2]
    assert [query.get("page") for query in asked] == [None, 2, 1]


def test_paging_without_end_is_an_error() -> None:
    numbers = iter(range(10 * MAX_PAGES))
    with pytest.raises(ContractError, match=r"listThings has more than 1000 pages"):
        _read(lambda _query: {"items": [next(numbers)], "cursor": str(next(numbers))}, {"pageSize": 200})


def test_the_filter_stays_in_every_query() -> None:
    asked: list[Query] = []
    _read(metadata(list(range(30)), 10), {"searchText": "x", "pageSize": 200}, asked)
    assert [query.get("searchText") for query in asked] == ["x"] * 3
    assert "page" not in asked[0]


@pytest.mark.parametrize("first", [1, 0])
@pytest.mark.parametrize(("left", "came"), [([3], []), ([], [-1]), ([3, 4], [-1]), (range(40), [])])
def test_an_entry_that_is_there_all_the_time_is_found_while_others_come_and_go(
    first: int, left: Sequence[int], came: list[int]
) -> None:
    """They do so on the first page while the second one is read, so that all other entries move up or down."""
    held = list(range(130))

    def server(query: Query) -> Any:
        items, page, size = _slice(held, query, 50, first)
        answer = {"items": items, "metadata": {"page": page, "pageSize": size, "totalCount": len(held)}}
        if page == first and -1 not in held and 3 in held:
            held[:] = [*came, *(each for each in held if each not in left)]
        return answer

    assert sorted(_read(server, {"pageSize": 50})) == sorted(held)


def test_the_walk_through_a_list_that_changes_all_the_time_ends() -> None:
    """And it finds every entry that was there all the time."""
    held = list(range(130))
    asked: list[Query] = []

    def server(query: Query) -> Any:
        items, page, size = _slice(held, query, 50)
        answer = {"items": items, "metadata": {"page": page, "pageSize": size, "totalCount": len(held)}}
        held.remove(held[5])
        return answer

    assert {0, 4, *held} <= set(_read(server, {"pageSize": 50}, asked))
    assert len(asked) < 20
