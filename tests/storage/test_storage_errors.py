from __future__ import annotations

import bot.storage
from bot.storage import errors


def test_every_error_of_the_store_is_a_storage_error_and_in_the_drawn_tree() -> None:
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]

    assert all(issubclass(kind, errors.StorageError) for kind in found)
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in found)


def test_the_door_exports_what_it_names() -> None:
    assert all(hasattr(bot.storage, name) for name in bot.storage.__all__)
    assert {kind for kind in vars(errors) if kind in bot.storage.__all__} == {
        "Closed",
        "DatabaseDown",
        "LinkTaken",
        "NoSuchSend",
        "NotUnknown",
        "OverLimit",
        "Repeated",
        "Stopped",
        "StorageError",
    }
