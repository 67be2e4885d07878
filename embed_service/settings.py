"""Every knob of the embed service; each is an environment variable EMBED_…"""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from serving.settings import WorkerSettings


class Settings(WorkerSettings):
    model_config = SettingsConfigDict(env_prefix="EMBED_")

    listen: str = "127.0.0.1:50052"
    queue: int = Field(
        256, ge=1, description="Pictures that are admitted at a time; further ones get RESOURCE_EXHAUSTED."
    )
    model: str = Field("garment-embedder", description="Name of the model's folder.")
