"""The messages of errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def message(error: type[Exception], function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """The message of the `error` that this call of `function` must raise."""
    with pytest.raises(error) as caught:
        function(*arguments, **options)
    return str(caught.value)
