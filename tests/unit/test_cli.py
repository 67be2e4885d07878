import csv
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from clothing_retrieval.cli import main
from clothing_retrieval.v1.retrieval_service_pb2 import ImportItemsRequest
from clothing_retrieval.v1.types_pb2 import Item
from tests.fake_gateway import FakeGateway, picture, refusal, status

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as gateway:
        gateway.items = {
            "d1": Item(id="d1", title="Linen dress, sand", category="dress", price=1290, currency="TWD"),
            "d2": Item(id="d2", title="[bold]Silk\x1b[31m dress", category="dress", price=2000, sale_price=1500.5),
        }
        gateway.pictures = {"d1": picture("tan")}
        yield gateway


@pytest.fixture
def run(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs the command line in an empty folder. Returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOTHING_RETRIEVAL_TARGET", gateway.target)
    monkeypatch.setenv("COLUMNS", "80")

    def run_main(*arguments: str) -> tuple[int, str, str]:
        try:
            main(arguments)
            code = 0
        except SystemExit as exit:
            code = int(exit.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_main


@pytest.fixture
def photo(tmp_path: Path) -> str:
    (tmp_path / "street.jpg").write_bytes(picture())
    return "street.jpg"


def test_the_version_is_told(run: Run) -> None:
    code, out, _ = run("--version")
    assert code == 0
    assert out.startswith("clothing-retrieval ")


@pytest.mark.parametrize(
    "command", [(), ("import",), ("search",), ("evaluate",), ("serve",), ("probe",), ("keys", "add")]
)
def test_help_teaches_by_example(run: Run, command: tuple[str, ...]) -> None:
    code, out, _ = run(*command, "--help")
    assert code == 0
    assert "clothing-retrieval" in out.partition("Examples:")[2]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(run: Run, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    code, script, _ = run("--show-completion", shell)
    assert code == 0
    assert "_CLOTHING_RETRIEVAL_COMPLETE" in script


def test_wrong_usage_has_its_own_exit_code(run: Run) -> None:
    assert run("search")[0] == 2
    assert run("search", "x.jpg", "--top-k", "101")[0] == 2
    assert run("frobnicate")[0] == 2


def test_search_prints_a_table_for_each_garment_within_80_columns(run: Run, photo: str) -> None:
    code, out, _ = run("search", photo)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "dress  93% sure, 30% of the photo" in out
    assert "bag  61% sure" in out
    assert "Linen dress, sand" in out
    assert "1,290 TWD" in out
    assert "1,500.50" in out
    assert "was 2,000" in out


def test_a_catalogue_cannot_steer_the_terminal(run: Run, photo: str) -> None:
    _, out, _ = run("search", photo)
    assert "\x1b" not in out
    assert "[bold]Silk" in out


def test_search_names_alternatives_as_such(run: Run, photo: str, tmp_path: Path) -> None:
    page = tmp_path / "found.html"
    assert "perhaps" not in run("search", photo)[1]
    assert "perhaps skirt  40% sure" in run("search", photo, "--alternatives", "--save", str(page))[1]
    assert page.read_text().count("perhaps skirt") == 2  # its heading, and its outline's name
    assert page.read_text().count('class="alternative"') == 1


def test_search_says_when_it_fell_back_to_the_whole_photo(gateway: FakeGateway, run: Run, photo: str) -> None:
    gateway.whole_photo = True
    assert "no garment found: searched with the whole photo" in run("search", photo)[1]
    assert "as asked" in run("search", photo, "--whole-image")[1]


def test_search_answers_in_json(run: Run, photo: str) -> None:
    lines = run("search", photo, photo, "--json")[1].splitlines()
    answer = json.loads(lines[0])
    assert len(lines) == 2
    assert answer["photo"] == photo
    assert [found["garment"]["category"] for found in answer["results"]] == ["dress", "bag"]
    assert answer["results"][0]["matches"][0]["item"]["id"] == "d1"
    assert "mask_png" not in lines[0] or answer["results"][0]["garment"]["mask_png"] == ""


def test_search_saves_a_page(run: Run, photo: str, tmp_path: Path) -> None:
    code, out, _ = run("search", photo, "--save", "out.html")
    page = (tmp_path / "out.html").read_text()
    assert code == 0
    assert "Saved out.html" in out
    assert page.count('class="match"') == 4
    assert "<path" in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", "gone.jpg"), "cannot read gone.jpg: No such file or directory"),
        (("import", "gone"), "there is no gone"),
        (("items", "get", "gone"), "item 'gone' does not exist: `clothing-retrieval items list` shows"),
        (("search", "street.jpg", "--target", "127.0.0.1:1"), "start one with `clothing-retrieval up`"),
        (("search", "street.jpg", "--save", "absent/out.html"), "cannot write absent/out.html"),
        (("items", "get", "d1", "--picture", "absent/d1.jpg"), "cannot write absent/d1.jpg: No such file or directory"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(run: Run, photo: str, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = run(*arguments)
    assert code == 1
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_refused_photo_is_named(gateway: FakeGateway, run: Run, photo: str) -> None:
    gateway.failures["Search"].append(status(grpc.StatusCode.INVALID_ARGUMENT, "image: is no picture"))
    code, _, err = run("search", photo)
    assert (code, err) == (1, "clothing-retrieval: street.jpg: image: is no picture\n")


def test_an_error_cannot_steer_the_terminal(run: Run) -> None:
    assert "there is no a [31mb" in run("import", "a\x1b[31mb")[2]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "give --api-key, or set CLOTHING_RETRIEVAL_API_KEY"),
        (grpc.StatusCode.PERMISSION_DENIED, "use a key that has this right"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "try again in a moment"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "no answer in time"),
        (grpc.StatusCode.UNIMPLEMENTED, "is it a gateway"),
        (grpc.StatusCode.INTERNAL, "look it up in the services' logs"),
    ],
)
def test_each_status_says_what_to_do(
    gateway: FakeGateway, run: Run, photo: str, code: grpc.StatusCode, said: str
) -> None:
    gateway.failures["Search"].append(status(code, "so it is"))
    assert said in run("search", photo)[2]


def test_the_api_key_is_sent(gateway: FakeGateway, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("items", "list", "--api-key", "given")
    monkeypatch.setenv("CLOTHING_RETRIEVAL_API_KEY", "from the environment")
    run("items", "list")
    assert [metadata["x-api-key"] for metadata in gateway.metadata] == ["given", "from the environment"]


def test_import_counts_what_became_of_the_items(run: Run, tmp_path: Path) -> None:
    _write_shop(tmp_path / "shop", 5)
    code, out, _ = run("import", "shop", "--collection", "summer")
    assert code == 0
    assert "5 items in" in out
    assert "5 created, 0 updated, 0 unchanged, 0 failed" in out
    assert "5 unchanged" in run("import", "shop")[1]


def test_import_writes_why_items_failed(gateway: FakeGateway, run: Run, tmp_path: Path) -> None:
    _write_shop(tmp_path / "shop", 5)
    (tmp_path / "shop" / "dress" / "text.jpg").write_text("no picture")
    small = status(grpc.StatusCode.INVALID_ARGUMENT, "images[0]: too small", reason="INVALID_IMAGE")
    gateway.on_import = lambda request: refusal(request.item.id, small) if request.item.id == "dress/3" else None

    code, out, err = run("import", "shop")

    with (tmp_path / "import-failures.csv").open() as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert code == 3
    assert "4 created" in out
    assert "2 failed" in out
    assert "import-failures.csv" in err
    assert rows["dress/3"]["message"] == "images[0]: too small"
    assert "not a JPEG, PNG or WebP file" in rows["dress/text"]["message"]


def test_import_stops_at_an_error_that_concerns_all(gateway: FakeGateway, run: Run, tmp_path: Path) -> None:
    _write_shop(tmp_path / "shop", 5)
    refused = status(grpc.StatusCode.PERMISSION_DENIED, "the key may only search")
    gateway.failures["ImportItems"].extend(
        [refused] * 9
    )  # a stream may break before its status is heard: it is repeated
    code, _, err = run("import", "shop")
    assert code == 1
    assert "the key may only search: use a key that has this right" in err


def test_the_report_of_an_import_that_was_stopped_says_so(gateway: FakeGateway, run: Run, tmp_path: Path) -> None:
    over = threading.Event()

    def stop(request: ImportItemsRequest) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        over.wait(10)

    _write_shop(tmp_path / "shop", 1)
    gateway.on_import = stop
    assert run("import", "shop", "--report", "report.json")[0] == 128 + signal.SIGTERM
    over.set()
    assert json.loads(Path("report.json").read_text())["error"] == "it was stopped"
    gateway.on_import = lambda request: None
    assert run("import", "shop", "--report", "report.json")[0] == 0
    assert json.loads(Path("report.json").read_text())["error"] == ""


def test_items_are_listed_shown_and_deleted(gateway: FakeGateway, run: Run, tmp_path: Path) -> None:
    assert "Linen dress, sand" in run("items", "list")[1]
    assert [json.loads(line)["id"] for line in run("items", "list", "--json")[1].splitlines()] == ["d1", "d2"]
    assert "first 1; --limit" in run("items", "list", "--limit", "1")[1]
    assert json.loads(run("items", "get", "d1", "--picture", "d1.jpg")[1])["price"] == 1290
    assert (tmp_path / "d1.jpg").read_bytes() == gateway.pictures["d1"]
    assert "1 of 2 deleted" in run("items", "delete", "d1", "gone")[1]


def test_collections_are_listed_deleted_and_given_other_names(gateway: FakeGateway, run: Run) -> None:
    assert "default" in run("collections", "list")[1]
    assert "live points at default (before: before)" in run("collections", "alias", "live", "default")[1]
    assert "live is removed" in run("collections", "alias", "live", "--remove")[1]
    assert run("collections", "alias", "live")[0] == 2
    assert "is deleted" in run("collections", "delete", "default", "--yes")[1]
    assert not gateway.items


def test_probe_tells_health_by_its_exit_code(gateway: FakeGateway, run: Run) -> None:
    assert run("probe", gateway.target)[:2] == (0, "SERVING\n")
    told = json.loads(run("probe", gateway.target, "--json")[1])
    assert told == {"target": gateway.target, "service": "", "status": "SERVING"}
    gateway.serving(False)
    assert run("probe", gateway.target)[:2] == (1, "NOT_SERVING\n")
    code, _, err = run("probe", "127.0.0.1:1", "--timeout", "1")
    assert code == 1
    assert "127.0.0.1:1 does not answer" in err


def _write_shop(folder: Path, count: int) -> None:
    _write_photos(folder / "dress", count)


def _write_photos(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(picture())
