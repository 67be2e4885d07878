import gzip
import io
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import trustme

from clothing_retrieval.catalog.web import Fetched, Manners, Purpose, Validators, Web, WebError, body
from clothing_retrieval.catalog.web.address import is_public, parse
from clothing_retrieval.catalog.web.connection import resolve
from clothing_retrieval.catalog.web.errors import (
    BadAddress,
    Closed,
    Disallowed,
    GivenUp,
    Misdirected,
    PrivateAddress,
    Refused,
    TooLarge,
    Unreachable,
)
from tests.shop_server import Handler, Reply, ShopServer

HERE = (ip_network("127.0.0.1/32"),)
HASTE = Manners(
    delay_s=0, picture_delay_s=0, private_networks=HERE, timeout_s=5, first_wait_s=0.01, longest_wait_s=2, attempts=3
)


@pytest.fixture
def shop() -> Iterator[ShopServer]:
    with ShopServer() as shop:
        shop.answers["/page"] = Reply(b"a page", etag='"1"')
        yield shop


@pytest.fixture
def web() -> Iterator[Web]:
    with Web(HASTE) as web:
        yield web


def read(fetched: Fetched) -> bytes:
    with fetched.file as file:
        return file.read()


def test_a_page_is_fetched_by_a_program_that_says_who_it_is(shop: ShopServer) -> None:
    with Web(Manners(contact="https://me.example", private_networks=HERE)) as web:
        assert read(web.fetch(f"{shop.address}/page", Purpose.PAGE)) == b"a page"
    agent = shop.requests[-1].headers["User-Agent"]
    assert agent.startswith("clothing-retrieval/")
    assert agent.endswith("(+https://me.example)")


@pytest.mark.parametrize(
    "validators", [Validators(etag='"1"'), Validators(last_modified="Sat, 28 Nov 2026 04:00:00 GMT")]
)
def test_what_has_not_changed_costs_a_304(shop: ShopServer, web: Web, validators: Validators) -> None:
    shop.answers["/page"] = Reply(b"a page", etag=validators.etag, last_modified=validators.last_modified)
    first = web.fetch(f"{shop.address}/page", Purpose.PAGE)
    assert first.validators == validators
    again = web.fetch(f"{shop.address}/page", Purpose.PAGE, first.validators)
    assert (again.unchanged, read(again)) == (True, b"")


def test_redirects_are_followed_to_where_they_lead(shop: ShopServer, web: Web) -> None:
    shop.answers["/old"] = Reply(status=301, headers={"Location": "/page"})
    fetched = web.fetch(f"{shop.address}/old", Purpose.PAGE)
    assert (read(fetched), fetched.address) == (b"a page", f"{shop.address}/page")


@pytest.mark.parametrize(
    ("location", "asked"),
    [("/全部上衣".encode(), "/%E5%85%A8%E9%83%A8%E4%B8%8A%E8%A1%A3"), (b"/\xe9t\xe9", "/%C3%A9t%C3%A9")],
)
def test_redirects_may_be_written_in_raw_utf_8(shop: ShopServer, web: Web, location: bytes, asked: str) -> None:
    shop.answers["/old"] = Reply(status=301, headers={"Location": location.decode("latin-1")})
    shop.answers[asked] = Reply(b"tops")
    assert read(web.fetch(f"{shop.address}/old", Purpose.PAGE)) == b"tops"


@pytest.mark.parametrize("location", ["http://[", "ftp://shop.example/", "http://a:b@shop.example/"])
def test_a_redirect_to_nowhere_is_told(shop: ShopServer, web: Web, location: str) -> None:
    shop.answers["/out"] = Reply(status=302, headers={"Location": location})
    with pytest.raises(BadAddress):
        web.fetch(f"{shop.address}/out", Purpose.PAGE)


def test_an_etag_that_could_not_be_sent_back_is_not_kept(shop: ShopServer, web: Web) -> None:
    shop.answers["/odd"] = Reply(b"x", etag='"\xe9\x01"')
    assert not web.fetch(f"{shop.address}/odd", Purpose.PAGE).validators


def test_redirects_in_a_circle_and_without_an_end_are_given_up(shop: ShopServer, web: Web) -> None:
    shop.answers["/a"] = Reply(status=302, headers={"Location": "/b"})
    shop.answers["/b"] = Reply(status=302, headers={"Location": "/a"})
    with pytest.raises(Misdirected, match="circle"):
        web.fetch(f"{shop.address}/a", Purpose.PAGE)

    def further(handler: Handler) -> Reply:
        return Reply(status=302, headers={"Location": handler.path + "x"})

    for length in range(1, 9):
        shop.answers["/" + "x" * length] = further
    with pytest.raises(Misdirected, match="more than 5"):
        web.fetch(f"{shop.address}/x", Purpose.PAGE)


def test_a_redirect_into_a_private_network_is_not_followed(shop: ShopServer, web: Web) -> None:
    with ShopServer("127.0.0.2") as inside:
        inside.answers["/secret"] = Reply(b"secret")
        shop.answers["/out"] = Reply(status=302, headers={"Location": f"{inside.address}/secret"})
        with pytest.raises(PrivateAddress):
            web.fetch(f"{shop.address}/out", Purpose.PAGE)
        assert not inside.requests


def test_a_name_that_changes_its_meaning_gains_nothing(shop: ShopServer) -> None:
    """Each time it connects, the addresses that are checked are those that are used."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[Any]:
        asked.append(host)
        ip = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    def hang_up(handler: Handler) -> Reply:
        handler.close_connection = True
        return Reply(status=404, headers={"Connection": "close"})

    shop.answers["/robots.txt"] = hang_up
    with ShopServer("127.0.0.2") as inside, Web(HASTE, resolve=rebinding) as web:
        with pytest.raises(PrivateAddress):
            web.fetch(f"http://shop.example:{shop.port}/page", Purpose.PAGE)
        assert asked == ["shop.example", "shop.example"]
        assert not inside.requests


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::7f00:1",
        "fec0::2",
        "::127.0.0.1",
        "::10.0.0.1",
        "::ffff:0:127.0.0.1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001:0:808:808::f5ff:fffe",
        "2001:0:7f00:1::f7f7:f7f7",
        "2001:db8::1",
        "4000::1",
    ],
)
def test_private_addresses_are_known_in_every_disguise(ip: str) -> None:
    assert not is_public(ip_address(ip))


@pytest.mark.parametrize("ip", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"])
def test_public_addresses_are_public(ip: str) -> None:
    assert is_public(ip_address(ip))


@pytest.mark.parametrize(
    "address",
    ["ftp://shop.example/x", "file:///etc/passwd", "/x", "", "http://", "http://a:b@shop.example/", "http://x:99999/"],
)
def test_other_addresses_than_of_http_are_refused(web: Web, address: str) -> None:
    with pytest.raises(BadAddress):
        web.fetch(address, Purpose.PAGE)


def test_addresses_are_written_as_hosts_understand_them() -> None:
    assert str(parse("https://衣服.example/上衣 1?q=é#part")) == (
        "https://xn--dpvy55e.example/%E4%B8%8A%E8%A1%A3%201?q=%C3%A9"
    )
    assert str(parse("http://shop.example:8080/a%20b?x=1&y=2")) == "http://shop.example:8080/a%20b?x=1&y=2"


def test_a_status_that_says_no_is_not_asked_again(shop: ShopServer, web: Web) -> None:
    with pytest.raises(Refused, match="404") as caught:
        web.fetch(f"{shop.address}/gone", Purpose.PAGE)
    assert (caught.value.status, caught.value.reason, shop.asked("/gone")) == (404, "HTTP_404", 1)


def test_a_busy_host_is_left_alone_for_as_long_as_it_says(shop: ShopServer) -> None:
    told: list[tuple[str, str, float]] = []
    began = time.monotonic()
    busy = [Reply(status=429, headers={"Retry-After": "1"})]
    shop.answers["/busy"] = lambda handler: busy.pop() if busy else Reply(b"now")
    with Web(HASTE, on_wait=lambda *facts: told.append(facts)) as web:
        assert read(web.fetch(f"{shop.address}/busy", Purpose.PAGE)) == b"now"
    assert told == [("127.0.0.1", "the host answered 429 Too Many Requests", 1.0)]
    assert shop.requests[-1].at - began >= 1.0


@pytest.mark.parametrize("wish", ["soon", "\xb2", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"])
def test_a_wish_that_cannot_be_read_is_none(shop: ShopServer, web: Web, wish: str) -> None:
    busy = [Reply(status=429, headers={"Retry-After": wish})]
    shop.answers["/busy"] = lambda handler: busy.pop() if busy else Reply(b"now")
    assert read(web.fetch(f"{shop.address}/busy", Purpose.PAGE)) == b"now"


def test_a_host_that_wants_more_patience_than_there_is_is_given_up_at_once(shop: ShopServer, web: Web) -> None:
    shop.answers["/busy"] = Reply(status=503, headers={"Retry-After": "3600"})
    with ThreadPoolExecutor(4) as pool:
        for asking in [pool.submit(web.fetch, f"{shop.address}/busy", Purpose.PAGE) for _ in range(4)]:
            with pytest.raises(GivenUp, match=r"503.*left alone for 3,600 s"):
                asking.result()
    with pytest.raises(GivenUp):
        web.fetch(f"{shop.address}/page", Purpose.PAGE)
    assert (shop.asked("/busy"), shop.asked("/page")) == (1, 0)


def test_a_host_that_always_fails_is_not_asked_any_more(shop: ShopServer, web: Web) -> None:
    shop.answers["/broken"] = Reply(status=500)
    for _ in range(HASTE.failures):
        with pytest.raises(Unreachable, match=r"500.*3 attempts"):
            web.fetch(f"{shop.address}/broken", Purpose.PAGE)
    with pytest.raises(GivenUp):
        web.fetch(f"{shop.address}/page", Purpose.PAGE)
    assert shop.asked("/broken") == HASTE.failures * HASTE.attempts


def test_silence_is_not_waited_for_without_end(shop: ShopServer) -> None:
    enough = threading.Event()

    def be_silent(handler: Handler) -> None:
        enough.wait(20)
        handler.close_connection = True

    shop.answers["/silent"] = be_silent
    shop.answers["/robots.txt"] = Reply(status=404)
    manners = Manners(private_networks=HERE, timeout_s=0.3, attempts=1, delay_s=0)
    with Web(manners) as web, pytest.raises(Unreachable, match="no sign of life"):
        web.fetch(f"{shop.address}/silent", Purpose.PAGE)
    enough.set()


@pytest.mark.parametrize("end", [b"", b"Connection: close\r\n\r\n"], ids=["header", "body"])
def test_a_trickle_is_cut_off_at_its_deadline(shop: ShopServer, end: bytes) -> None:
    cut_off = threading.Event()

    def trickle(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + end)
        for _ in range(200):
            try:
                handler.wfile.write(b"X-A: b\r\n")
            except OSError:
                cut_off.set()
                return
            time.sleep(0.05)

    shop.answers["/trickle"] = trickle
    shop.answers["/robots.txt"] = Reply(status=404)
    manners = Manners(private_networks=HERE, answer_s=0.5, attempts=1, delay_s=0)
    with Web(manners) as web, pytest.raises(Unreachable, match=r"not all of it came within 0\.5 s"):
        web.fetch(f"{shop.address}/trickle", Purpose.PAGE)
    assert cut_off.wait(2)


def test_a_handshake_that_trickles_is_cut_off_at_its_deadline() -> None:
    cut_off = threading.Event()

    def trickle(listening: socket.socket) -> None:
        with listening.accept()[0] as connected:
            connected.sendall(b"\x16\x03\x03\x40\x00")  # a record of TLS, of 16 KiB
            for _ in range(200):
                try:
                    connected.sendall(b"\x02")
                except OSError:
                    cut_off.set()
                    return
                time.sleep(0.05)

    manners = Manners(private_networks=HERE, answer_s=0.5, attempts=1, obey_robots=False)
    with socket.create_server(("127.0.0.1", 0)) as listening, Web(manners) as web, ThreadPoolExecutor(1) as pool:
        pool.submit(trickle, listening)
        with pytest.raises(Unreachable, match=r"not all of it came within 0\.5 s"):
            web.fetch(f"https://127.0.0.1:{listening.getsockname()[1]}/", Purpose.PAGE)
        assert cut_off.wait(2)


def test_a_deadline_that_passes_before_there_is_a_connection_holds(shop: ShopServer) -> None:
    def slowly(host: str, port: int) -> Sequence[Any]:
        time.sleep(0.4)
        return resolve(host, port)

    manners = Manners(private_networks=HERE, answer_s=0.2, attempts=1, obey_robots=False)
    with Web(manners, resolve=slowly) as web, pytest.raises(Unreachable, match=r"within 0\.2 s"):
        web.fetch(f"{shop.address}/page", Purpose.PAGE)
    assert not shop.requests


def test_a_host_that_hangs_up_in_the_middle_is_asked_again(shop: ShopServer, web: Web) -> None:
    halves = [Reply(b"half", headers={"Content-Length": "8", "Connection": "close"})]

    def answer(handler: Handler) -> Reply:
        handler.close_connection = True
        return halves.pop() if halves else Reply(b"wholes")

    shop.answers["/cut"] = answer
    assert read(web.fetch(f"{shop.address}/cut", Purpose.PAGE)) == b"wholes"
    assert shop.asked("/cut") == 2


def test_idle_connections_may_be_closed_without_a_word(shop: ShopServer, web: Web) -> None:
    def close_silently(handler: Handler) -> Reply:
        handler.close_connection = True  # though its answer does not say so
        return Reply(b"bye")

    shop.answers["/bye"] = close_silently
    for _ in range(3):
        assert read(web.fetch(f"{shop.address}/bye", Purpose.PAGE)) == b"bye"


def test_a_gzip_bomb_does_not_go_off(shop: ShopServer, web: Web) -> None:
    bomb = gzip.compress(bytes(Purpose.PAGE.most_bytes + 1))
    assert len(bomb) < 2**14
    shop.answers["/bomb"] = Reply(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(TooLarge, match="8 MiB"):
        web.fetch(f"{shop.address}/bomb", Purpose.PAGE)


def test_a_bomb_in_a_bomb_is_unpacked_piece_by_piece() -> None:
    """Both as an encoding and as a file, as feeds may be."""
    bomb = gzip.compress(gzip.compress(bytes(16 * 2**20)))
    pieces = body.unzipped(body.unpacked(iter((bomb,))))
    file = io.BytesIO()
    with pytest.raises(TooLarge):
        body.copy(pieces, file, 2**20)
    assert len(file.getvalue()) <= 2**20


def test_gzip_is_unpacked_and_damaged_gzip_noticed(shop: ShopServer, web: Web) -> None:
    packed = gzip.compress(b"content") + gzip.compress(b", and more")
    shop.answers["/packed"] = Reply(packed, headers={"Content-Encoding": "gzip"})
    assert read(web.fetch(f"{shop.address}/packed", Purpose.PAGE)) == b"content, and more"
    shop.answers["/short"] = Reply(gzip.compress(b"content" * 99)[:-9], headers={"Content-Encoding": "gzip"})
    with pytest.raises(Unreachable, match="gzip that ends too early"):
        web.fetch(f"{shop.address}/short", Purpose.PAGE)


def test_too_much_is_not_taken(shop: ShopServer, web: Web) -> None:
    shop.answers["/huge.jpg"] = Reply(bytes(Purpose.PICTURE.most_bytes + 1))
    with pytest.raises(TooLarge, match="20 MiB"):
        web.fetch(f"{shop.address}/huge.jpg", Purpose.PICTURE)
    assert read(web.fetch(f"{shop.address}/page", Purpose.PAGE)) == b"a page"


def test_robots_txt_is_obeyed(shop: ShopServer, web: Web) -> None:
    shop.answers["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /*.php$\nDisallow: /private/\nAllow: /private/ok\n")
    shop.answers["/private/ok"] = Reply(b"ok")
    for path in ("/private/x", "/a/b.php"):
        with pytest.raises(Disallowed, match=r"forbids.*--ignore-robots"):
            web.fetch(f"{shop.address}{path}", Purpose.PAGE)
        assert shop.asked(path) == 0
    assert read(web.fetch(f"{shop.address}/private/ok", Purpose.PAGE)) == b"ok"
    assert shop.asked("/robots.txt") == 1


def test_rules_for_this_program_count_before_those_for_all(shop: ShopServer, web: Web) -> None:
    shop.answers["/robots.txt"] = Reply(b"User-agent: *\nDisallow:\n\nUser-agent: clothing-retrieval\nDisallow: /\n")
    with pytest.raises(Disallowed):
        web.fetch(f"{shop.address}/page", Purpose.PAGE)


@pytest.mark.parametrize(
    "reply",
    [
        *(Reply(status=status) for status in (500, 501, 520)),
        Reply(status=302, headers={"Location": "ftp://x.example/"}),
    ],
    ids=["500", "501", "520", "elsewhere"],
)
def test_robots_txt_that_cannot_be_read_forbids_everything(shop: ShopServer, web: Web, reply: Reply) -> None:
    shop.answers["/robots.txt"] = reply
    with pytest.raises(Disallowed, match=r"cannot be read.*--ignore-robots"):
        web.fetch(f"{shop.address}/page", Purpose.PAGE)
    asked = shop.asked("/robots.txt")
    with pytest.raises(Disallowed):
        web.fetch(f"{shop.address}/page", Purpose.PAGE)
    assert (shop.asked("/page"), shop.asked("/robots.txt")) == (0, asked)


def test_robots_txt_that_is_refused_forbids_nothing(shop: ShopServer, web: Web) -> None:
    shop.answers["/robots.txt"] = Reply(status=403)
    assert read(web.fetch(f"{shop.address}/page", Purpose.PAGE)) == b"a page"


def test_robots_txt_may_be_ignored_where_somebody_says_so(shop: ShopServer) -> None:
    shop.answers["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /\n")
    with Web(Manners(private_networks=HERE, obey_robots=False)) as web:
        assert read(web.fetch(f"{shop.address}/page", Purpose.PAGE)) == b"a page"


@pytest.mark.parametrize("robots", [b"", b"User-agent: *\nCrawl-delay: 0.3\n"], ids=["own delay", "crawl-delay"])
def test_a_host_gets_one_request_at_a_time_with_a_pause_between(shop: ShopServer, robots: bytes) -> None:
    shop.answers["/robots.txt"] = Reply(robots)
    manners = Manners(private_networks=HERE, delay_s=0.01 if robots else 0.3)
    began = time.monotonic()
    with Web(manners) as web, ThreadPoolExecutor(4) as pool:
        fetched = [pool.submit(web.fetch, f"{shop.address}/page", Purpose.PAGE) for _ in range(4)]
        assert [read(each.result()) for each in fetched] == [b"a page"] * 4
    assert shop.most_at_once == 1
    assert shop.requests[-1].at - began >= 3 * 0.3


def test_https_is_spoken_with_those_whose_certificate_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with ShopServer(tls=tls) as shop:
        shop.answers["/page"] = Reply(b"a page")
        with Web(HASTE) as web, pytest.raises(Disallowed, match="certificate is not trusted"):
            web.fetch(f"{shop.address}/page", Purpose.PAGE)
        assert not shop.requests

        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        with Web(HASTE) as web:
            assert read(web.fetch(f"{shop.address}/page", Purpose.PAGE)) == b"a page"


def test_closing_wakes_all_who_wait(shop: ShopServer) -> None:
    asked = threading.Event()
    enough = threading.Event()

    def be_silent(handler: Handler) -> None:
        asked.set()
        enough.wait(20)
        handler.close_connection = True

    shop.answers["/silent"] = be_silent
    with ThreadPoolExecutor(3) as pool:
        web = Web(HASTE)
        waiting = [pool.submit(web.fetch, f"{shop.address}/silent", Purpose.PAGE) for _ in range(3)]
        assert asked.wait(10)
        web.close()
        for each in waiting:
            assert isinstance(each.exception(10), Closed)
    enough.set()


def test_every_error_has_a_word_for_scripts() -> None:
    kinds = [*WebError.__subclasses__(), *Unreachable.__subclasses__()]
    assert len({kind.reason for kind in kinds if kind is not Refused}) == len(kinds) - 1
