"""Items in memory: what was added is found at its place, whatever else is added."""

from hypothesis import given
from hypothesis import strategies as st

from search_service.messages import Messages


@given(batches=st.lists(st.lists(st.binary(max_size=300) | st.just(b"same"), max_size=6), max_size=8))
def test_each_message_is_found_at_its_place(batches: list[list[bytes]]) -> None:
    messages = Messages()
    places = [messages.add(batch).tolist() for batch in batches]
    assert [[messages.at(place) for place in batch] for batch in places] == batches


def test_what_is_repeated_has_one_place() -> None:
    messages = Messages()
    first, again, other, later = messages.add([b"a", b"a", b"b", b"a"]).tolist()
    assert first == again
    assert len({first, other, later}) == 3
