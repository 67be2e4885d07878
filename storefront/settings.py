"""Every knob of the storefront; each is an environment variable STOREFRONT_…"""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, DirectoryPath, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from clothing_retrieval.calls import DEFAULT_TARGET

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


class SettingsError(RuntimeError):
    """Environment variables that cannot be used. The message names each, and says why."""


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Separated by commas."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="STOREFRONT_", env_ignore_empty=True)

    listen: str = Field("127.0.0.1:8080", description='Where to serve: "host:port". Whoever reaches it may search.')
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    grace_s: float = Field(10.0, ge=0, description="On SIGTERM, how long requests in flight may take, in seconds.")

    gateway: str = Field(DEFAULT_TARGET, min_length=1, description='The gateway: "host:port" or "unix:/path".')
    api_key: SecretStr = Field(
        SecretStr(""), description="The key for the gateway, where it wants one; the right `search` is enough."
    )
    gateway_tls: bool = Field(False, description="Call the gateway by TLS, trusting well-known authorities.")
    gateway_tls_ca: Path | None = Field(None, description="PEM file of authorities: call by TLS, trusting these.")
    gateway_tls_certificate: Path | None = Field(
        None, description="PEM file of the certificate that the gateway is shown, where it asks for one."
    )
    gateway_tls_key: Path | None = Field(None, description="PEM file of that certificate's key.")
    gateway_timeout_s: float = Field(20.0, gt=0, description="Longest time for a search, in seconds.")

    name: str = Field("The boutique", min_length=1, max_length=60, description="The shop's name, on its page.")
    collection: str = Field(
        "default", pattern=r"^[a-z0-9_-]{1,64}$", description="What is searched where a request names no collection."
    )
    top_k: int = Field(
        12, ge=1, le=100, description="Matches for each garment, where a request does not say. The page asks for 60."
    )
    max_distance: float | None = Field(
        None, ge=0, le=2, description="Farther items are left out, where a request does not say. Absent: the gateway's."
    )

    max_photo_bytes: int = Field(
        12 << 20, ge=1024, le=30 << 20, description="A larger photo is refused before it is read to its end, in bytes."
    )
    head_timeout_s: float = Field(
        10.0, gt=0, description="How long a connection may take to send a request up to its body, in seconds."
    )
    upload_timeout_s: float = Field(30.0, gt=0, description="How long a request's body may take, in seconds.")
    download_timeout_s: float = Field(30.0, gt=0, description="How long an answer may take to be read, in seconds.")
    searches_per_minute: int = Field(
        60, ge=0, description="With a photo, for each client address; a burst may be a quarter of it. 0: no limit."
    )
    requests_per_minute: int = Field(
        1200, ge=0, description="To the API, pictures included, for each client address. 0: no limit."
    )
    connections: int = Field(512, ge=1, description="At a time; further ones are answered with 503.")
    proxies: Listed = Field(
        (), description="Addresses or networks, by commas, whose X-Forwarded-For and -Proto are believed. Empty: none."
    )
    cors_origins: Listed = Field(
        (), description='Other sites whose pages may call the API, by commas: "https://shop.example". "*": all.'
    )
    compatible_folder: DirectoryPath | None = Field(
        None,
        description="Offer POST /get_rec_product, as the original project did, for photos in here. Absent: not.",
    )

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, listen: str) -> str:
        host, _, port = listen.rpartition(":")
        if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
            raise ValueError('must be "host:port", the port at most 65535')
        return listen

    @field_validator("proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            ipaddress.ip_network(proxy)  # raises ValueError
        return proxies

    @field_validator("cors_origins")
    @classmethod
    def _as_browsers_send_them(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        """Any other spelling would never match."""
        for origin in origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f'{origin!r} must be like "https://shop.example", small letters and no path, or "*"')
        return origins

    @model_validator(mode="after")
    def _certificate_with_its_key(self) -> Self:
        if (self.gateway_tls_certificate is None) != (self.gateway_tls_key is None):
            raise ValueError(
                "STOREFRONT_GATEWAY_TLS_CERTIFICATE and STOREFRONT_GATEWAY_TLS_KEY belong together: set both"
            )
        return self

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


def read() -> Settings:
    """The settings as the environment has them. Raises SettingsError."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(map(_problem, error.errors()))) from error


def _problem(error: ErrorDetails) -> str:
    said = error["msg"].removeprefix("Value error, ")
    return f"STOREFRONT_{error['loc'][0]}".upper() + f"={error['input']}: {said}" if error["loc"] else said
