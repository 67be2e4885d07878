import pytest
import torch
from torch import nn

from export.pooling import AveragePool, with_exportable_pools


@pytest.mark.parametrize(("height", "width", "size"), [(8, 6, 3), (7, 11, 6), (5, 5, 2), (4, 6, (2, 3)), (2, 3, 6)])
def test_it_gives_what_torch_gives_for_sizes_that_do_not_divide(
    height: int, width: int, size: int | tuple[int, int]
) -> None:
    planes = torch.randn(2, 4, height, width)
    rows, columns = (size, size) if isinstance(size, int) else size
    expected = nn.functional.adaptive_avg_pool2d(planes, (rows, columns))
    torch.testing.assert_close(AveragePool(rows, columns)(planes), expected)


def test_only_pools_to_several_values_are_replaced_and_the_network_stays() -> None:
    network = nn.Sequential(
        nn.AdaptiveAvgPool2d(3), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.AdaptiveAvgPool2d((2, 1)))
    )
    result = with_exportable_pools(network)
    assert [type(part).__name__ for part in (result[0], *result[1])] == [
        "AveragePool", "AdaptiveAvgPool2d", "AveragePool",
    ]  # fmt: skip
    assert isinstance(network[0], nn.AdaptiveAvgPool2d)
