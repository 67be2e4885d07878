"""Settings of the search service: environment variables SEARCH_LISTEN, SEARCH_DATA_DIR and so on."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from serving.cpus import available_cpus
from serving.settings import ServerSettings


class Settings(ServerSettings):
    model_config = SettingsConfigDict(env_prefix="SEARCH_")

    listen: str = "127.0.0.1:50053"
    backend: Literal["local", "milvus"] = Field(
        "local", description="What keeps the items: the index of this process, or Milvus (MILVUS_URI)."
    )
    data_dir: Path = Field(
        Path("data/search"),
        description="Folder of the database, which one process may have open; with Milvus, of the pictures.",
    )
    backup_dir: Path | None = Field(None, description="Folder of the backups. Absent: `backups` in the data folder.")
    exact_below: int = Field(
        10_000, ge=0, description="Shelves of at most this many vectors are compared exactly, in vectors."
    )
    ef: int = Field(400, ge=10, le=10_000, description="Beam of a walk through a graph, in vectors.")
    m: int = Field(32, ge=4, le=64, description="Links of a vector in a graph.")
    ef_construction: int = Field(300, ge=16, le=2000, description="Beam of building a graph, in vectors.")
    tail: int = Field(
        2_000, ge=1, description="Vectors that may wait, compared exactly, before they are linked into a graph."
    )
    dead_share: float = Field(
        0.2, gt=0, lt=1, description="Share of a shelf that may be deleted vectors before it is rebuilt, in (0, 1)."
    )
    unsaved_share: float = Field(
        0.1,
        gt=0,
        description="Growth of a graph after which it is saved, up to half a minute later where searches come in; else "
        "after a minute without writes.",
    )
    build_threads: int = Field(
        1, ge=1, description="CPUs that graphs are built with, and grow with where many vectors wait."
    )
    threads: int = Field(
        max(2, available_cpus()),
        ge=1,
        description="Calls that read at the same time; each has its own connection. Default: one for each CPU.",
    )
    queue: int = Field(
        256, ge=1, description="Reading calls that are admitted at a time; further ones get RESOURCE_EXHAUSTED."
    )
    write_queue: int = Field(
        256,
        ge=1,
        description="Writes that are admitted, and that wait for a commit, at a time; further ones get "
        "RESOURCE_EXHAUSTED.",
    )
    group: int = Field(64, ge=1, description="Writes that share one commit, at most.")

    def pictures(self) -> Path:
        """Where they are kept beside Milvus."""
        return self.data_dir / "pictures"

    def backups(self) -> Path:
        return self.backup_dir or self.data_dir / "backups"
