# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A POST that creates is never repeated blindly: one way to learn what became of it, and one for every deletion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .._core.errors import AmbiguousError, ApiError, IamError
from .api import IamApi

Told = TypeVar("Told")
Found = TypeVar("Found")

MOST_POSTS = 2


@dataclass(frozen=True)
class Created(Generic[Told, Found]):
    """How it is known that something was created.

    Without ``lost``: a POST was answered, and ``told`` is what the answer told. With it: that answer was lost, or
    refused because an earlier POST had landed, and ``found`` is what a look shows; None where only the witness knows.
    ``posts`` is how many were sent, so two things may be there after 2.
    """

    posts: int
    told: Told | None = None
    found: Found | None = None
    lost: IamError | None = None


def create_once(
    api: IamApi,
    post: Callable[[], Told],
    look: Callable[[], Found | None],
    witness: Callable[[], bool | None] | None = None,
) -> Created[Told, Found]:
    """Create by ``post``, whatever becomes of the answer.

    After an answer that was lost, ``look`` reads until it shows the thing, for as long as lists may lag behind, and
    ``witness`` tells in another way whether it is there (None: it cannot tell). ``post`` is repeated once, and only
    where both say that nothing landed; without a witness, where lists had time to show it.

    Raises ``AmbiguousError`` where it cannot be told, and the ``ApiError`` of a refusal that ``look`` does not explain.
    """
    lost: AmbiguousError | None = None
    posts = 0
    while True:
        posts += 1
        try:
            return Created(posts, told=post())
        except AmbiguousError as error:
            lost = error
            landed, found = _landed(api, lost, look, witness)
            if landed:
                return Created(posts, found=found, lost=lost)
            if landed is None or posts == MOST_POSTS:
                raise
        except ApiError as error:
            if lost is None:
                raise
            # Refused when it was repeated: the first may have landed after all.
            landed, found = _landed(api, lost, look, witness)
            if not landed:
                error.message += " An earlier attempt, whose answer was lost, may have been carried out."
                error.details["repeated"] = True
                raise
            return Created(posts, found=found, lost=error)


def delete_once(api: IamApi, delete: Callable[[], bool], gone: Callable[[], bool]) -> bool:
    """Delete by ``delete``, whatever becomes of the answer; whether it was this call that did it.

    Raises ``AmbiguousError`` where the answer was lost and ``gone`` never says that it is.
    """
    try:
        return delete()
    except AmbiguousError:
        if not api.settle(gone):
            raise
        return True


def _landed(
    api: IamApi, lost: AmbiguousError, look: Callable[[], Found | None], witness: Callable[[], bool | None] | None
) -> tuple[bool | None, Found | None]:
    """Whether a POST landed whose answer was lost (None: not known), and what a look shows."""
    try:
        said = witness() if witness else False
        if said:
            return True, look()
        found = api.settle(look)
        if found:
            return True, found
        if said is None or not api.patient:
            return None, None  # what a list does not show at once may be there
        # What is new may be refused at first: what the witness said before the lists had their time is no proof.
        return (witness() if witness else False), None
    except IamError as error:
        lost.message = f"{lost.message} Looking for it failed as well: {error.message}"
        raise lost from None
