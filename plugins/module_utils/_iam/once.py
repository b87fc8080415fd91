# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates and deletes objects on the server. A POST with a lost answer is repeated only if it created nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .._core.errors import AmbiguousError, ApiError, IamError
from .api import IamApi

Answered = TypeVar("Answered")
Found = TypeVar("Found")

MOST_POSTS = 2


@dataclass(frozen=True)
class Created(Generic[Answered, Found]):
    """How it is known that an object was created.

    Without ``lost``: a POST was answered with ``answer``. With ``lost``: its answer was lost, or a repetition was
    refused because the first POST had created the object. Then ``found`` is the result of ``look``, None if only the
    check knows. ``posts`` is the number of POSTs; after 2 there may be two objects.
    """

    posts: int
    answer: Answered | None = None
    found: Found | None = None
    lost: IamError | None = None


def create_once(
    api: IamApi,
    post: Callable[[], Answered],
    look: Callable[[], Found | None],
    check: Callable[[], bool | None] | None = None,
) -> Created[Answered, Found]:
    """Create an object by ``post``, even if answers are lost.

    After a lost answer, ``look`` searches the object until it finds it, for as long as lists may lag behind.
    ``check`` says in another way whether the object exists (None: not known). ``post`` is repeated once, and only if
    both say that nothing was created; without a check, if lists had time to show the object.

    Raises ``AmbiguousError`` if that remains unknown, and the ``ApiError`` of a refusal for another reason than that
    the object exists.
    """
    lost: AmbiguousError | None = None
    posts = 0
    while True:
        posts += 1
        try:
            return Created(posts, answer=post())
        except AmbiguousError as error:
            lost = error
            landed, found = _landed(api, lost, look, check)
            if landed:
                return Created(posts, found=found, lost=lost)
            if landed is None or posts == MOST_POSTS:
                raise
        except ApiError as error:
            if lost is None:
                raise
            # The repetition was refused: the first POST may have created the object after all.
            landed, found = _landed(api, lost, look, check)
            if not landed:
                error.message += " An earlier attempt, whose answer was lost, may have been carried out."
                error.details["repeated"] = True
                raise
            return Created(posts, found=found, lost=error)


def delete_once(api: IamApi, delete: Callable[[], bool], gone: Callable[[], bool]) -> bool:
    """Delete an object by ``delete``, even if the answer is lost. Returns whether this call deleted it.

    Raises ``AmbiguousError`` if the answer was lost and ``gone`` stays false.
    """
    try:
        return delete()
    except AmbiguousError:
        if not api.settle(gone):
            raise
        return True


def _landed(
    api: IamApi, lost: AmbiguousError, look: Callable[[], Found | None], check: Callable[[], bool | None] | None
) -> tuple[bool | None, Found | None]:
    """Whether a POST with a lost answer created the object (None: not known), and the result of ``look``."""
    try:
        accepted = check() if check else False
        if accepted:
            return True, look()
        found = api.settle(look)
        if found:
            return True, found
        if accepted is None or not api.patient:
            return None, None  # the list may not show the object yet
        # A new secret may be refused at first, so the check is asked again after the wait for the lists.
        return (check() if check else False), None
    except IamError as error:
        lost.message = f"{lost.message} Looking for it failed as well: {error.message}"
        raise lost from None
