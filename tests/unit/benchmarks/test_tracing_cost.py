from benchmarks.tracing import OFF, SAMPLED, compared, rotated, span_ns, tables


def test_each_side_is_compared_with_off_round_by_round() -> None:
    off, sampled = [50.0, 100.0, 50.0], [55.0, 100.0, 55.0]
    figures = {OFF: compared(off, off, [60.0] * 3), SAMPLED: compared(sampled, off, [60.0, 66.0, 90.0])}
    text = "\n".join(tables({"search": figures, "span_off_ns": 250.0}))
    assert [line.split() for line in text.splitlines() if line.startswith(SAMPLED)] == [
        ["on,", "sampled", "55.0", "1.100", "1.05–1.10", "66.0"]
    ]
    assert "250 ns" in text


def test_every_side_is_first_in_turn() -> None:
    assert [rotated("abc", number) for number in range(4)] == [list("abc"), list("bca"), list("cab"), list("abc")]


def test_a_span_where_traces_are_off_costs_next_to_nothing() -> None:
    assert span_ns() < 10_000
