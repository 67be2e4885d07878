"""What deploy/Dockerfile and docker-compose.yml say: images and services, as an engine would run them."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic_settings import BaseSettings

import embed_service.settings
import gateway.settings
import search_service.milvus.settings
import search_service.settings
import segment_service.settings
from serving.settings import ServerSettings
from tests.servers import REPOSITORY

DOCKERFILE = REPOSITORY / "deploy" / "Dockerfile"
COMPOSE = REPOSITORY / "docker-compose.yml"
COMPOSE_GPU = REPOSITORY / "docker-compose.gpu.yml"
SERVICES: dict[str, type[ServerSettings]] = {
    "segment": segment_service.settings.Settings,
    "embed": embed_service.settings.Settings,
    "search": search_service.settings.Settings,
    "gateway": gateway.settings.Settings,
}
_SETTINGS: dict[str, type[BaseSettings]] = {
    **{f"{name.upper()}_": settings for name, settings in SERVICES.items()},
    "MILVUS_": search_service.milvus.settings.MilvusSettings,
}
_INTERPOLATED = re.compile(r"\$\{\w+(?::-([^{}]*))?\}")


@dataclass(frozen=True)
class Stage:
    """One stage of a container file. What it says of the image holds for the stages upon it, too."""

    name: str
    base: str
    instructions: tuple[tuple[str, str], ...] = ()
    """Its own, as (instruction, arguments), in their order."""
    environment: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()
    user: str = "0"


def stages() -> dict[str, Stage]:
    """By name."""
    found: dict[str, Stage] = {}
    name = ""
    for instruction, arguments in _instructions():
        if instruction == "FROM":
            base, _, name = arguments.partition(" AS ")
            found[name] = replace(found.get(base, Stage(name, base)), name=name, base=base, instructions=())
        elif name:
            found[name] = _with(found[name], instruction, arguments)
    return found


def _with(stage: Stage, instruction: str, arguments: str) -> Stage:
    stage = replace(stage, instructions=(*stage.instructions, (instruction, arguments)))
    match instruction:
        case "ENV":
            pairs = dict(pair.split("=", 1) for pair in shlex.split(arguments))
            return replace(stage, environment={**stage.environment, **pairs})
        case "CMD":
            return replace(stage, command=tuple(json.loads(arguments)))
        case "HEALTHCHECK":
            return replace(stage, healthcheck=tuple(json.loads(arguments.partition("CMD ")[2])))
        case "USER":
            return replace(stage, user=arguments)
    return stage


def _instructions() -> Iterator[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        instruction, _, arguments = line.partition(" ")
        yield instruction, arguments


def compose(file: Path = COMPOSE) -> dict[str, Any]:
    """A compose file where no variable is set."""
    document: dict[str, Any] = _interpolated(yaml.safe_load(file.read_text()))
    return document


def _interpolated(value: Any) -> Any:
    match value:
        case dict():
            return {key: _interpolated(each) for key, each in value.items()}
        case list():
            return [_interpolated(each) for each in value]
        case str():
            inner_done = _INTERPOLATED.sub(lambda found: found[1] or "", value)
            return value if inner_done == value else _interpolated(inner_done)
    return value


def is_setting(variable: str) -> bool:
    """Whether a service reads this variable. One that none knows is silently ignored."""
    return any(
        variable.startswith(prefix) and variable.removeprefix(prefix).lower() in settings.model_fields
        for prefix, settings in _SETTINGS.items()
    )


def stop_s(service: str, environment: Mapping[str, str]) -> float:
    """How long a service takes at most to answer what is in flight, once it is told to stop."""

    def of(name: str) -> float:
        default = SERVICES[service].model_fields[name].default
        return float(environment.get(f"{service}_{name}".upper(), default))

    return of("drain_s") + of("grace_s")
