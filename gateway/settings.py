"""Every knob of the gateway; each is an environment variable GATEWAY_…"""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from serving.settings import ServerSettings


class Settings(ServerSettings):
    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    listen: str = "127.0.0.1:50050"
    segment_target: str = Field("dns:///127.0.0.1:50051", description="gRPC target of the segment workers.")
    embed_target: str = Field("dns:///127.0.0.1:50052", description="gRPC target of the embed workers.")
    search_target: str = Field("dns:///127.0.0.1:50053", description="gRPC target of the search service.")
    workers_ca: Path | None = Field(
        None,
        description="PEM file of authorities: the services behind the gateway must show a certificate of theirs, for "
        "the name in their target. Absent, like the next two: they are called without TLS.",
    )
    workers_certificate: Path | None = Field(
        None, description="PEM file of the certificate that the services are shown, where they ask for one."
    )
    workers_key: Path | None = Field(None, description="PEM file of that certificate's key.")
    keys_file: Path | None = Field(
        None, description="Who may call, as `clothing-retrieval keys` writes it. Absent: no key is asked for."
    )
    anonymous: bool = Field(
        False,
        description="Take calls from other machines with neither keys nor client certificates: who reaches the gateway "
        "may do everything.",
    )
    timeout_s: float = Field(
        10.0, gt=0, description="Longest time for a call, in seconds; a caller's sooner deadline holds."
    )
    search_patience_s: float = Field(
        8.0,
        ge=0,
        description="How long calls wait for the search service after it was last there, in seconds: it is one "
        "process, and none shall fail while it restarts. 0: they fail at once.",
    )
    max_distance: float | None = Field(
        None, ge=0, description="Farther items are left out, where the caller names no distance. Absent: none is."
    )
    category_matching: Literal["strict", "prefer", "ignore"] = Field(
        "prefer", description="What a garment's category means for its matches, where the caller does not say."
    )
    category_penalty: float = Field(
        0.1,
        ge=0,
        le=2,
        description="With `prefer`: distance that is added, for the order only, to items of other categories; "
        "less the likelier the parser takes one for the other.",
    )
    cache_bytes: int = Field(
        64 << 20,
        ge=0,
        description="Room for what the models found in the photos searched with last, in bytes; some 5,000 a photo. "
        "0: a photo that comes again is segmented and embedded again.",
    )
    import_in_flight: int = Field(16, ge=1, description="Items of one import stream that are worked on at a time.")
    import_streams: int = Field(64, ge=1, description="Import streams at a time; further ones get RESOURCE_EXHAUSTED.")
    import_silence_s: float = Field(
        300.0, gt=0, description="An import stream ends where no item comes for so long, in seconds."
    )
    import_item_timeout_s: float = Field(
        60.0,
        gt=0,
        description="Longest time for one item, waiting for busy or restarting workers included, in seconds.",
    )
