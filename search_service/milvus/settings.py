"""Settings of Milvus: environment variables MILVUS_URI, MILVUS_TOKEN and so on."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class MilvusSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MILVUS_")

    uri: str = Field(
        "http://127.0.0.1:19530",
        description="http(s)://HOST:PORT of a Milvus deployment, or a path that ends with .db: Milvus Lite.",
    )
    token: SecretStr = Field(SecretStr(""), description="user:password or an API key. Empty: none.")
    database: str = Field("default", description="Milvus database of all collections.")
    timeout_s: float = Field(10.0, gt=0, description="Time one call to Milvus may take, in s.")

    def lite(self) -> Path | None:
        """Where Milvus Lite keeps its files; None where the URI means a deployment."""
        return Path(self.uri) if self.uri.endswith(".db") else None
