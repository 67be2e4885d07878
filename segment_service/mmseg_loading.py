"""What it takes to load a checkpoint of mmsegmentation beside a current torch. Imports torch only where it is used."""

import pickle
import sys
from contextlib import AbstractContextManager
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import NoReturn

import numpy as np

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
    """Lets mmsegmentation import beside mmcv-lite, which carries no compiled operators.

    Must run before the first import of mmseg. Does nothing where mmcv is compiled.
    """
    if _NAME not in sys.modules and find_spec(_NAME) is None:
        module = _Unavailable(_NAME)
        module.__spec__ = ModuleSpec(_NAME, None)
        sys.modules[_NAME] = module


def trusted_checkpoints() -> AbstractContextManager[None]:
    """Lets ``torch.load`` read, beside tensors, just the classes that mmengine puts into its checkpoints."""
    import torch
    from mmengine.logging import HistoryBuffer

    def method(owner: object, name: str) -> object:
        # In place of getattr, by which a file could reach, and change, any module's globals.
        if owner is not HistoryBuffer or name.startswith("_"):
            raise pickle.UnpicklingError(f"the attribute {name!r} of {owner!r} is none that mmengine stores")
        return getattr(owner, name)

    allowed: AbstractContextManager[None] = torch.serialization.safe_globals(
        [
            HistoryBuffer,
            np.ndarray,
            np.dtype,
            np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
            np._core.multiarray.scalar,  # type: ignore[attr-defined]
            *(type(np.dtype(code)) for code in "?bBhHiIlLqQefd"),
            (method, "builtins.getattr"),
        ]
    )
    return allowed
