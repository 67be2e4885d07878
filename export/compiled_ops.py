"""Lets mmsegmentation import beside mmcv-lite, which carries no compiled operators."""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import NoReturn

_NAME = "mmcv._ext"


class _Unavailable(ModuleType):
    """Has every attribute; each is a function that says what to install."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)

        def unavailable(*_args: object, **_kwargs: object) -> NoReturn:
            raise NotImplementedError(f"{_NAME}.{name} is a compiled operator: install mmcv instead of mmcv-lite")

        return unavailable


def stand_in() -> None:
    """Must run before the first import of mmseg. Does nothing where mmcv is compiled."""
    if _NAME not in sys.modules and find_spec(_NAME) is None:
        module = _Unavailable(_NAME)
        module.__spec__ = ModuleSpec(_NAME, None)
        sys.modules[_NAME] = module
