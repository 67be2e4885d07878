"""DESIGN.md's table of folders: who may import whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MAY_IMPORT = {
    "clothing_retrieval": ("clothing_retrieval.v1",),
    "serving": ("clothing_retrieval.v1",),
    "segment_service": ("clothing_retrieval.v1", "serving"),
    "embed_service": ("clothing_retrieval.v1", "serving"),
    "search_service": ("clothing_retrieval.v1", "serving"),
    "gateway": ("clothing_retrieval.v1", "serving"),
    "storefront": ("clothing_retrieval",),
    "export": (
        "serving.models",
        "serving.images",
        "segment_service.garments",
        "segment_service.labels",
        "segment_service.look",
        "segment_service.looks",
        "segment_service.mmseg_engine",
        "segment_service.mmseg_loading",
        "segment_service.parser",
        "clothing_retrieval.catalog",
    ),
}
"""What each folder may import beside itself, of the folders of this repository."""
OURS = (*MAY_IMPORT, "benchmarks", "tests")
MMSEG_ENGINE = (Path("segment_service/mmseg_engine.py"), Path("segment_service/mmseg_loading.py"))
ONLY_IN_EXPORT = ("torch", "torchvision", "mmseg", "mmengine", "mmcv", "efficientnet_lite_pytorch")
OPENTELEMETRY = ("opentelemetry",)
NOT_FOR_CALLERS = (*ONLY_IN_EXPORT, "onnxruntime", "cv2", "hnswlib", "prometheus_client", "pydantic_settings")


def imports(source: str, package: str) -> Iterator[str]:
    """Every module that a source imports, at any depth, ``from a import b`` as "a.b"; relative ones made absolute."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def begins(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in prefixes)


def imports_of(folder: str) -> Iterator[tuple[Path, str]]:
    for file in sorted((REPOSITORY / folder).rglob("*.py")):
        path = file.relative_to(REPOSITORY)
        for module in imports(file.read_text(), ".".join(path.parent.parts)):
            yield path, module


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_what_the_table_allows(folder: str) -> None:
    allowed = (folder, *MAY_IMPORT[folder])
    broken = [
        f"{path}: {module}"
        for path, module in imports_of(folder)
        if begins(module, OURS) and not begins(module, allowed)
    ]
    assert not broken


@pytest.mark.parametrize("folder", [folder for folder in MAY_IMPORT if folder != "export"])
def test_only_export_and_the_mmseg_engine_need_torch(folder: str) -> None:
    broken = [
        f"{path}: {module}"
        for path, module in imports_of(folder)
        if begins(module, ONLY_IN_EXPORT) and path not in MMSEG_ENGINE
    ]
    assert not broken


def test_what_a_caller_installs_needs_nothing_of_the_servers() -> None:
    # `up` and `serve` start the services as processes, and never import them.
    assert not [
        f"{path}: {module}" for path, module in imports_of("clothing_retrieval") if begins(module, NOT_FOR_CALLERS)
    ]


@pytest.mark.parametrize("folder", ["segment_service", "embed_service", "search_service", "gateway"])
def test_every_service_has_the_same_rooms(folder: str) -> None:
    for room in ("settings.py", "servicer.py", "worker.py", "__main__.py"):
        assert (REPOSITORY / folder / room).is_file()


DOMAIN_WITHOUT_GRPC = [
    "segment_service/garments.py",
    "segment_service/segmenter.py",
    "embed_service/embedder.py",
    "gateway/matching.py",
    "gateway/categories.py",
    "gateway/search.py",
    "gateway/imports.py",
    "serving/batching.py",
    "serving/images.py",
    "serving/models.py",
]


@pytest.mark.parametrize("file", DOMAIN_WITHOUT_GRPC)
def test_domain_code_imports_no_grpc(file: str) -> None:
    assert not [module for module in imports((REPOSITORY / file).read_text(), "") if begins(module, ("grpc",))]


def test_one_module_of_the_services_knows_opentelemetry() -> None:
    folders = ("serving", "segment_service", "embed_service", "search_service", "gateway")
    knowing = {str(path) for folder in folders for path, module in imports_of(folder) if begins(module, OPENTELEMETRY)}
    assert knowing == {"serving/tracer.py"}


def test_no_folder_is_called_after_nothing_in_particular() -> None:
    names = {path.name for folder in OURS for path in (REPOSITORY / folder).rglob("*") if path.is_dir()}
    assert not names & {"utils", "util", "common", "helpers", "helper", "misc"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b, c", ["a.b", "c"]),
        ("from a import b as d", ["a.b"]),
        ("from . import b", ["one.two.b"]),
        ("from .. import b", ["one.b"]),
        ("from ..a import b", ["one.a.b"]),
        ("def f():\n    import hidden", ["hidden"]),
    ],
)
def test_every_way_to_import_is_seen(source: str, expected: list[str]) -> None:
    assert list(imports(source, "one.two")) == expected
