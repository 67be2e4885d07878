"""``import`` from shops on loopback into a gateway without services: as somebody types it."""

import json
import signal
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from clothing_retrieval.cli import main
from clothing_retrieval.v1.types_pb2 import Item
from tests.fake_gateway import FakeGateway, picture, status
from tests.shop_server import Handler, Reply, ShopServer

Run = Callable[..., tuple[int, str, str]]
COLORS = ("firebrick", "navy", "olive", "tan", "teal")


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as gateway:
        yield gateway


@pytest.fixture
def shop() -> Iterator[ShopServer]:
    with ShopServer() as shop:
        yield shop


@pytest.fixture
def run(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs ``import`` in an empty folder. Returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOTHING_RETRIEVAL_TARGET", gateway.target)

    def run_import(*arguments: str) -> tuple[int, str, str]:
        quick = ("--allow-private", "--delay", "0", "--picture-delay", "0", "--memory", "memory.sqlite")
        try:
            main(("import", *quick, *arguments))
            code = 0
        except SystemExit as exit:
            code = int(exit.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_import


def feed(shop: ShopServer, ids: list[str], *, sizes: int = 1, title: str = "Dress") -> None:
    """A feed of the items, and a picture for each."""
    items = []
    for number, id in enumerate(ids):
        shop.answers[f"/{id}.jpg"] = Reply(picture(COLORS[number % 5]), etag=f'"{id}"')
        for size in range(sizes):
            group = f"<g:item_group_id>{id}</g:item_group_id><g:size>{size}</g:size>" if sizes > 1 else ""
            items.append(
                f"<item><g:id>{id}{f'-{size}' if size else ''}</g:id><g:title>{title} {id}</g:title>{group}"
                f"<g:price>10 EUR</g:price><g:image_link>{shop.address}/{id}.jpg</g:image_link></item>"
            )
    text = f'<rss xmlns:g="http://base.google.com/ns/1.0"><channel>{"".join(items)}</channel></rss>'
    shop.answers["/feed.xml"] = Reply(text.encode(), etag=f'"{hash(text)}"')


def ids(count: int) -> list[str]:
    return [f"d{number}" for number in range(count)]


def test_a_feed_of_5000_is_imported(shop: ShopServer, gateway: FakeGateway, run: Run) -> None:
    feed(shop, ids(500), sizes=10)
    code, out, _ = run(f"{shop.address}/feed.xml")
    assert (code, len(gateway.items)) == (0, 500)
    assert "500 created" in out
    item = gateway.items["d7"]
    assert (item.title, item.attributes["size"]) == ("Dress d7", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9")
    assert item.image_url == f"{shop.address}/d7.jpg"
    assert shop.most_at_once == 1


def test_an_unchanged_feed_costs_one_request(shop: ShopServer, gateway: FakeGateway, run: Run) -> None:
    feed(shop, ids(3))
    run(f"{shop.address}/feed.xml")
    shop.requests.clear()
    code, out, _ = run(f"{shop.address}/feed.xml", "--report", "report.json")
    assert (code, "has not changed" in out) == (0, True)
    assert [request.path for request in shop.requests] == ["/robots.txt", "/feed.xml"]
    assert json.loads(Path("report.json").read_text())["unchanged_source"] is True


def test_a_host_that_knows_only_times_is_asked_by_them(shop: ShopServer, gateway: FakeGateway, run: Run) -> None:
    time = "Sat, 28 Nov 2026 04:00:00 GMT"
    feed(shop, ids(2))
    for path, reply in shop.answers.items():
        assert isinstance(reply, Reply)
        shop.answers[path] = Reply(reply.body, last_modified=time)
    assert run(f"{shop.address}/feed.xml")[0] == 0
    assert "has not changed" in run(f"{shop.address}/feed.xml")[1]

    feed(shop, ids(3))
    shop.answers["/d1.jpg"] = Reply(_body(shop, "/d1.jpg"), last_modified=time)
    shop.requests.clear()
    sent = len(gateway.requests)
    assert run(f"{shop.address}/feed.xml")[0] == 0
    asked = {request.path: request.headers.get("If-Modified-Since") for request in shop.requests}
    imported = [request.item.id for request in gateway.requests[sent:] if hasattr(request, "item")]
    assert (asked["/d1.jpg"], sorted(imported)) == (time, ["d0", "d2"])


@pytest.mark.parametrize(
    ("period", "read_again"),
    [("2020-01-01/2999-01-01", True), ("2999-01-01/2999-02-01", True), ("2020-01-01/2020-02-01", False)],
)
def test_a_feed_whose_sales_begin_or_end_is_read_again_though_it_is_the_same(
    shop: ShopServer, run: Run, period: str, read_again: bool
) -> None:
    feed(shop, ids(2))
    sale = f"<g:sale_price>5 EUR</g:sale_price><g:sale_price_effective_date>{period}</g:sale_price_effective_date>"
    text = _body(shop).replace(b"</item>", sale.encode() + b"</item>", 1)
    shop.answers["/feed.xml"] = Reply(text, etag='"feed"')
    assert run(f"{shop.address}/feed.xml")[0] == 0
    assert ("2 unchanged" in run(f"{shop.address}/feed.xml")[1]) is read_again


def test_unchanged_pictures_of_a_changed_feed_cost_a_304_and_are_not_sent(
    shop: ShopServer, gateway: FakeGateway, run: Run
) -> None:
    feed(shop, ids(3))
    run(f"{shop.address}/feed.xml")
    feed(shop, ids(4))
    shop.answers["/d1.jpg"] = Reply(picture("black"), etag='"another"')
    sent = len(gateway.requests)
    code, out, _ = run(f"{shop.address}/feed.xml")
    imported = [request.item.id for request in gateway.requests[sent:] if hasattr(request, "item")]
    assert (code, sorted(imported)) == (0, ["d1", "d3"])
    assert "4 items" in out
    assert "1 created" in out


def test_what_was_deleted_from_the_catalogue_is_imported_again(
    shop: ShopServer, gateway: FakeGateway, run: Run
) -> None:
    feed(shop, ids(3))
    run(f"{shop.address}/feed.xml")
    gateway.items.clear()
    run(f"{shop.address}/feed.xml")
    assert sorted(gateway.items) == ids(3)
    del gateway.items["d1"]
    run(f"{shop.address}/feed.xml", "--refresh")
    assert sorted(gateway.items) == ids(3)


def test_an_item_whose_picture_cannot_be_had_fails_alone(shop: ShopServer, gateway: FakeGateway, run: Run) -> None:
    feed(shop, ids(7))
    shop.answers["/d0.jpg"] = Reply(status=404)
    shop.answers["/d1.jpg"] = Reply(b"<html>Not found</html>", headers={"Content-Type": "image/jpeg"})
    shop.answers["/d2.jpg"] = Reply(bytes(21 * 2**20))
    shop.answers["/d3.jpg"] = Reply(status=302, headers={"Location": "/d3.jpg"})
    shop.answers["/d4.jpg"] = Reply(_png_header(12_000, 9_000))
    shop.answers["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /d5.jpg\n")
    code, _, err = run(f"{shop.address}/feed.xml", "--report", "report.json")
    report = json.loads(Path("report.json").read_text())
    assert "d4.jpg: more than 80 million pixels" in Path("import-failures.csv").read_text()
    assert (code, sorted(gateway.items)) == (3, ["d6"])
    assert {failure["id"]: failure["reason"] for failure in report["failures"]} == {
        "d0": "HTTP_404",
        "d1": "INVALID_IMAGE",
        "d2": "TOO_LARGE",
        "d3": "REDIRECTS",
        "d4": "INVALID_IMAGE",
        "d5": "ROBOTS",
    }
    assert (report["created"], report["failed"], report["kind"]) == (1, 6, "feed")
    assert f"{shop.address}/d0.jpg: the host answered 404" in err

    shop.answers["/d0.jpg"] = Reply(picture())
    assert "1 created" in run(f"{shop.address}/feed.xml")[1]  # the feed is the same, and yet what failed is tried again


def test_a_memory_that_cannot_be_used_is_told(shop: ShopServer, run: Run) -> None:
    feed(shop, ids(1))
    Path("memory.sqlite").write_text("no database, and of some length " * 100)
    code, _, err = run(f"{shop.address}/feed.xml")
    assert code == 1
    assert "memory.sqlite, where imports are remembered, cannot be used" in err
    assert "--memory" in err


def test_a_further_view_that_cannot_be_had_is_left_out(shop: ShopServer, gateway: FakeGateway, run: Run) -> None:
    shop.answers["/1.jpg"] = shop.answers["/3.jpg"] = Reply(picture())
    Path("items.csv").write_text(
        f'id,image_link,additional_image_link\na,{shop.address}/1.jpg,"{shop.address}/2.jpg,{shop.address}/3.jpg"\n'
    )
    code, _, err = run("items.csv")
    [request] = [request for request in gateway.requests if hasattr(request, "images")]
    assert (code, len(request.images)) == (0, 2)
    assert "1 further views could not be had" in err


@pytest.mark.parametrize("options", [("--dry-run",), ("--memory", "memory.sqlite")])
def test_nothing_is_fetched_from_a_private_network_unless_told(
    shop: ShopServer,
    gateway: FakeGateway,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    feed(shop, ids(1))
    with pytest.raises(SystemExit):
        main(("import", f"{shop.address}/feed.xml", "--target", gateway.target, *options))
    assert "127.0.0.1 lies in a private network: --allow-private" in capsys.readouterr().err
    assert not shop.requests


def test_a_dry_run_shows_what_there_is_and_needs_no_gateway(
    shop: ShopServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(shop, ids(3))
    shop.answers["/feed.xml"] = Reply(_body(shop).replace(b"10 EUR", b"cheap", 1))
    monkeypatch.setenv("CLOTHING_RETRIEVAL_TARGET", "127.0.0.1:1")
    code, out, err = run(f"{shop.address}/feed.xml", "--dry-run", "--report", "report.json", "--failures", "failed.csv")
    assert code == 3
    assert "A feed: 2 items with 2 pictures would be imported, 1 could not" in out
    assert "Dress d1" in out
    assert "d0: price 'cheap' is no amount of money" in err
    assert "feed.xml, item 1" in Path("failed.csv").read_text()
    report = json.loads(Path("report.json").read_text())
    assert (report["would_import"], report["failed"], report["created"], report["kind"]) == (2, 1, 0, "feed")
    assert not shop.asked("/d1.jpg")
    assert not Path("memory.sqlite").exists()


def test_a_dry_run_fails_what_an_import_would(run: Run) -> None:
    row = "a,https://cdn.example/1.jpg\n"
    Path("items.csv").write_text(f"id,image_link\n{row}{row}")
    code, out, err = run("items.csv", "--dry-run")
    assert code == 3
    assert "1 items with 1 pictures would be imported, 1 could not" in out
    assert "the id 'a' stands in the catalogue twice" in err


def test_a_dry_run_of_what_breaks_off_says_so_and_imports_nothing(run: Run) -> None:
    Path("items.csv").write_text('id,image_link\na,https://cdn.example/1.jpg\nb,"https://cdn.example/2.jpg\n')
    code, out, err = run("items.csv", "--dry-run", "--report", "report.json")
    assert code == 1
    assert "1 items with 1 pictures would be imported" in out
    assert "begins in line 3" in err
    assert "is imported" not in err
    assert "begins in line 3" in json.loads(Path("report.json").read_text())["incomplete"]


def test_a_dry_run_does_not_pretend_to_prune(run: Run) -> None:
    code, _, err = run("items.csv", "--dry-run", "--prune")
    assert code == 2
    assert "asks no gateway" in " ".join(err.replace("│", "").split())


def test_the_currency_of_prices_that_name_none_is_told_on_the_command_line(run: Run) -> None:
    Path("items.csv").write_text(
        "id,price,sale_price,image_link\na,5,,https://cdn.example/1.jpg\nb,6 EUR,,https://cdn.example/2.jpg\n"
        "c,,7,https://cdn.example/3.jpg\n"
    )
    _, out, _ = run("items.csv", "--currency", "twd", "--dry-run")
    assert "5 TWD" in out
    assert "6 EUR" in out
    assert "7 TWD" in out


def test_a_shopify_shop_is_read_page_by_page(shop: ShopServer, gateway: FakeGateway, run: Run) -> None:
    def products(handler: Handler) -> Reply:
        page = int(handler.path.rpartition("=")[2])
        listed = [
            {
                "id": 100 * page + number,
                "handle": f"tee-{page}-{number}",
                "title": "Tee",
                "images": [{"src": f"{shop.address}/tee.jpg"}],
                "variants": [{"id": 100 * page + number, "price": "5.00", "available": True}],
            }
            for number in range(2)
        ]
        return Reply(json.dumps({"products": listed if page <= 2 else []}).encode())

    shop.answers["/products.json"] = products
    shop.answers["/tee.jpg"] = Reply(picture())
    shop.answers["/"] = Reply(b"<!doctype html><html><script src='https://cdn.shopify.com/x.js'></script></html>")
    code, _, _ = run(shop.address, "--currency", "twd")
    assert (code, sorted(gateway.items)) == (0, ["100", "101", "200", "201"])
    item = gateway.items["201"]
    assert (item.url, item.currency, item.price) == (f"{shop.address}/products/tee-2-1", "TWD", 5)


def test_a_shops_pages_are_read(shop: ShopServer, gateway: FakeGateway, run: Run) -> None:
    product = {"@type": "Product", "name": "Shirt", "sku": "S1", "image": "/s.jpg", "offers": {"price": 9}}
    shop.answers["/s.jpg"] = Reply(picture())
    shop.answers["/p"] = Reply(f'<script type="application/ld+json">{json.dumps(product)}</script>'.encode())
    shop.answers["/"] = Reply(b"<!doctype html><html><a href='/p'>Shirt</a></html>")
    assert run(shop.address)[0] == 0
    assert (gateway.items["S1"].title, gateway.items["S1"].url) == ("Shirt", f"{shop.address}/p")


def test_prune_removes_what_the_source_no_longer_has(shop: ShopServer, gateway: FakeGateway, run: Run) -> None:
    feed(shop, ids(5))
    run(f"{shop.address}/feed.xml")
    feed(shop, ids(4))
    shop.answers["/d0.jpg"] = Reply(status=404)  # it cannot be had now, but the source has it

    code, out, err = run(f"{shop.address}/feed.xml", "--prune")
    assert (code, len(gateway.items)) == (3, 5)
    assert "1 of 5 items in the catalogue are no longer in the source: d4" in out
    assert "nobody is there to be asked: --yes" in err

    code, out, _ = run(f"{shop.address}/feed.xml", "--prune", "--yes", "--report", "report.json")
    assert (code, sorted(gateway.items)) == (3, ids(4))  # d0 failed
    assert "1 items removed" in out
    assert json.loads(Path("report.json").read_text())["pruned"] == {"surplus": 1, "removed": 1, "kept_because": ""}


def test_an_unchanged_feed_is_pruned_where_it_was_not_before(shop: ShopServer, gateway: FakeGateway, run: Run) -> None:
    gateway.items = {"old": Item(id="old")}
    feed(shop, ids(2))
    run(f"{shop.address}/feed.xml")
    assert run(f"{shop.address}/feed.xml", "--prune", "--yes")[0] == 0
    assert sorted(gateway.items) == ids(2)
    assert "has not changed" in run(f"{shop.address}/feed.xml", "--prune", "--yes")[1]


def test_a_feed_cannot_steer_the_terminal(shop: ShopServer, run: Run) -> None:
    Path("items.csv").write_text("id,image_link\nx\x1b[31m,nowhere\n")
    _, out, err = run("items.csv")
    assert "\x1b" not in out + err


def test_a_host_cannot_steer_the_terminal(shop: ShopServer, run: Run) -> None:
    def refuse(handler: Handler) -> None:
        handler.send_response(403, "\x1b[31mNo")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    product = {"@type": "Product", "name": "Shirt", "sku": "S1", "image": "/s.jpg"}
    page = f'<script type="application/ld+json">{json.dumps(product)}</script><a href="/secret">x</a>'
    shop.answers.update({"/": Reply(f"<!doctype html><html>{page}</html>".encode()), "/s.jpg": Reply(picture())})
    shop.answers["/secret"] = shop.answers["/feed.xml"] = refuse
    for source, options, expected in (("feed.xml", (), 1), ("", (), 3), ("", ("--prune", "--yes"), 3)):
        code, out, err = run(f"{shop.address}/{source}", *options)
        assert (code, "403  [31mNo" in err, "\x1b" in out + err) == (expected, True, False)


def test_prune_does_not_remove_most_of_a_catalogue_by_mistake(shop: ShopServer, gateway: FakeGateway, run: Run) -> None:
    feed(shop, ids(5))
    run(f"{shop.address}/feed.xml")
    feed(shop, ids(1))
    code, _, err = run(f"{shop.address}/feed.xml", "--prune", "--yes")
    assert (code, len(gateway.items)) == (3, 5)
    assert "4 of 5 items are more than half: --prune-most" in err
    assert run(f"{shop.address}/feed.xml", "--prune-most", "--yes")[0] == 0
    assert sorted(gateway.items) == ["d0"]


def test_prune_removes_nothing_where_the_source_was_not_read_to_its_end(
    shop: ShopServer, gateway: FakeGateway, run: Run
) -> None:
    feed(shop, ids(5))
    run(f"{shop.address}/feed.xml")
    feed(shop, ids(4), title="Skirt")
    shop.answers["/feed.xml"] = Reply(_body(shop)[:-80])
    code, _, err = run(f"{shop.address}/feed.xml", "--prune-most", "--yes")
    assert (code, len(gateway.items)) == (1, 5)
    assert "after 3 items" in err
    assert gateway.items["d2"].title == "Skirt d2"


@pytest.mark.parametrize("rows", ["", ",5\n"])
def test_prune_of_an_empty_source_removes_nothing(gateway: FakeGateway, run: Run, rows: str) -> None:
    gateway.items = {"d0": Item(id="d0")}
    Path("items.csv").write_text(f"id,price\n{rows}")
    code, _, err = run("items.csv", "--prune-most", "--yes")
    assert (code, len(gateway.items)) == (3, 1)
    assert "the source is empty" in err


def test_an_import_that_broke_off_goes_on(shop: ShopServer, gateway: FakeGateway, run: Run) -> None:
    feed(shop, ids(40))
    denied = status(grpc.StatusCode.PERMISSION_DENIED, "the key has expired")
    gateway.on_import = lambda request: denied if request.item.id == "d20" else None
    assert run(f"{shop.address}/feed.xml", "--report", "report.json")[0] == 1
    stored = set(gateway.items)
    report = json.loads(Path("report.json").read_text())
    assert 0 < len(stored) < 40
    assert "the key has expired" in report["error"]
    assert 0 < report["created"] <= len(stored)

    gateway.on_import = lambda request: None
    shop.requests.clear()
    code, out, err = run(f"{shop.address}/feed.xml")
    assert (code, len(gateway.items)) == (0, 40)
    assert "going on where it stopped" in err
    assert f"{40 - len(stored)} created" in out
    assert shop.asked("/d0.jpg") == 0


def test_an_import_that_waits_for_a_host_can_be_interrupted(
    shop: ShopServer, gateway: FakeGateway, tmp_path: Path
) -> None:
    asked, enough = threading.Event(), threading.Event()

    def be_silent(handler: Handler) -> None:
        asked.set()
        enough.wait(60)
        handler.close_connection = True

    feed(shop, ids(20))
    shop.answers["/d0.jpg"] = be_silent
    # Ctrl-C is ignored by what a shell began in the background, and by its children.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = (sys.executable, "-c", f"{heed}; from clothing_retrieval.cli import main; main()", "import")
    options = ("--allow-private", "--delay", "0", "--memory", "memory.sqlite", "--target", gateway.target)
    with subprocess.Popen((*command, f"{shop.address}/feed.xml", *options), cwd=tmp_path) as importing:
        assert asked.wait(60)
        importing.send_signal(signal.SIGINT)
        assert importing.wait(30) == 128 + signal.SIGINT
    enough.set()


def _png_header(width: int, height: int) -> bytes:
    """Of a picture that claims to be so large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _body(shop: ShopServer, path: str = "/feed.xml") -> bytes:
    answer = shop.answers[path]
    assert isinstance(answer, Reply)
    return answer.body
