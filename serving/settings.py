"""Settings that every service has. Each is an environment variable with the service's prefix: SEGMENT_LISTEN."""

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings

S = TypeVar("S", bound=BaseSettings)


class SettingsError(RuntimeError):
    """Environment variables that cannot be used. The message names each, and says why."""


def read(kind: type[S]) -> S:
    """The settings as the environment has them. Raises SettingsError."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        problems = [
            f"{prefix}{problem['loc'][0]}".upper() + f"={problem['input']}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise SettingsError("; ".join(problems)) from error


class ServerSettings(BaseSettings):
    listen: str = Field(
        description='Where to serve: "host:port" or "unix:/path". Port 0: a free one.', default="127.0.0.1:0"
    )
    metrics_listen: str = Field("", description='Where Prometheus scrapes: "host:port". Empty: nowhere.')
    plaintext: bool = Field(
        False, description="Listen without TLS beyond this machine too: where the network is trusted."
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file of the certificate, then of those between it and the authority. Absent: no TLS."
    )
    tls_key: Path | None = Field(None, description="PEM file of the certificate's key.")
    tls_client_ca: Path | None = Field(
        None,
        description="PEM file of authorities: callers must show a certificate of theirs. Absent: they need none.",
    )
    log_format: Literal["json", "text"] = "text"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    grace_s: float = Field(
        20.0, ge=0, description="On SIGTERM, how long work in flight may take to finish, in seconds."
    )
    drain_s: float = Field(
        0.5, ge=0, description="On SIGTERM, how long calls are still taken while callers notice, in seconds."
    )
    max_connection_age_s: float = Field(
        300.0, gt=0, description="After this, clients are made to connect anew, and so meet new replicas, in seconds."
    )
    max_connections: int = Field(
        16_000, gt=0, description="Connections that are held at a time, where the limit on open files allows it."
    )
    max_streams: int = Field(
        1_000, gt=0, description="Calls that one connection may have under way; further ones wait at the caller's."
    )


class WorkerSettings(ServerSettings):
    """Settings of a service that runs a model."""

    # Its replicas come and go with the load, and a client looks for new ones only where a connection ends.
    max_connection_age_s: float = Field(
        5.0, gt=0, description=ServerSettings.model_fields["max_connection_age_s"].description
    )

    models_dir: str = Field("", description="Folder of the models. Empty: `models/` of this checkout.")
    device: Literal["cpu", "cuda", "tensorrt"] = "cpu"
    precision: Literal["auto", "fp32", "fp16", "int8"] = Field(
        "auto", description="auto: int8 on a CPU and fp16 on a GPU, where the model has it; else fp32."
    )
    instances: int = Field(0, ge=0, description="Engines that run side by side. 0: one for each CPU; on a GPU, one.")
    max_batch: int = Field(0, ge=0, le=256, description="Largest batch. 0: on a CPU 1, of cutouts 4; else 16.")
    max_delay_ms: float = Field(0.0, ge=0, description="How long a batch is held open for more work, in milliseconds.")
    queue: int = Field(
        64, ge=1, description="Requests that are admitted at a time; further ones get RESOURCE_EXHAUSTED."
    )
    stall_s: float = Field(
        30.0, gt=0, description="An engine run longer than this makes the worker NOT_SERVING, in seconds."
    )
