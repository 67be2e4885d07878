"""Every knob of the segment service; each is an environment variable SEGMENT_…"""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from segment_service.garments import Rules
from serving.settings import WorkerSettings


class Settings(WorkerSettings):
    model_config = SettingsConfigDict(env_prefix="SEGMENT_")

    listen: str = "127.0.0.1:50051"
    model: str = Field("clothing-parser", description="Name of the model's folder.")
    engine: Literal["onnx", "mmseg"] = Field(
        "onnx", description="mmseg: an mmsegmentation config and checkpoint as they are. Needs the `mmseg` extra."
    )
    config: str = Field("", description="mmseg: the config file. It is Python, and runs: take none from strangers.")
    checkpoint: str = Field("", description="mmseg: the checkpoint file that the config's model was trained to.")
    garments: str = Field(
        "",
        description="mmseg: which of the checkpoint's classes are garments, separated by commas. "
        "Empty: those whose names the shipped parser knows too.",
    )
    min_area: float = Field(
        Rules.min_area, ge=0, le=1, description="Smallest garment, as a share of what is looked at."
    )
    min_part: float = Field(
        Rules.min_part, ge=0, le=1, description="Smallest part of a garment, as a share of its largest part."
    )
    min_confidence: float = Field(
        Rules.min_confidence, ge=0, le=1, description="Lowest confidence of a garment, where the caller names none."
    )
    wavering: float = Field(
        Rules.wavering,
        ge=0,
        le=1,
        description="Two labels are one garment where the larger one is, on average, this likely over the smaller one.",
    )
    margin: float = Field(
        Rules.margin, ge=0, le=1, description="White border of a cutout, as a share of the garment's longer side."
    )
    slack: float = Field(
        Rules.slack,
        ge=0,
        lt=1,
        description="A cutout also shows what another label leads by at most this much of probability.",
    )
    closer_look: float = Field(
        Rules.closer_look,
        gt=1,
        description="The parser looks again where it would see the clothing in a photo this many times larger. "
        "That costs what the first look did; `inf`: never. Alternatives have a look of their own.",
    )

    def rules(self) -> Rules:
        return Rules(
            self.min_area,
            self.min_part,
            self.min_confidence,
            self.wavering,
            self.margin,
            self.slack,
            self.closer_look,
        )

    def tuning(self) -> str:
        """The settings by which the same parser finds or cuts out otherwise; empty: the defaults."""
        usual = {**vars(Rules()), "garments": ""}
        chosen = {**vars(self.rules()), "garments": self.garments}
        return " ".join(f"{name}={value}" for name, value in chosen.items() if value != usual[name])
