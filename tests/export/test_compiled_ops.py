import sys

import pytest


def test_a_compiled_operator_says_what_to_install() -> None:
    with pytest.raises(NotImplementedError, match="mmcv-lite"):
        sys.modules["mmcv._ext"].nms()
