"""What a decoding child tells of an upload: plain data, checked before anything of it is believed."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ml.core.about import About
from ml.core.formats import FileFormat, Kind
from ml.core.text import Message, stored


class Words(BaseModel):
    """A message: its code and its values."""

    code: str
    values: dict[str, Any]

    @classmethod
    def of(cls, message: Message) -> "Words":
        return cls(code=message.code, values=message.plain_values())

    def message(self) -> Message:
        return stored(self.code, self.values)


class _Reply(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Made(_Reply):
    """The file is made anew."""

    told: Literal["made"] = "made"
    kind: Kind
    format: FileFormat | Literal["mp4", "zip", "safetensors"]
    width: int = Field(ge=0)
    height: int = Field(ge=0)
    color: str = Field(pattern=r"^#[0-9a-f]{6}$")
    frames: int = Field(ge=1)
    seconds: float = Field(ge=0)
    notes: list[Words]
    about: About


class Refusal(_Reply):
    """It is not taken, for a reason that a person can read."""

    told: Literal["refusal"] = "refusal"
    words: Words
    code: str
    status: int = Field(ge=400, lt=500)


class Damage(_Reply):
    """A decoder stumbled; `reason` is for the log."""

    told: Literal["damage"] = "damage"
    reason: str


class WantOfMemory(_Reply):
    """Its pixels did not fit into what the child may take."""

    told: Literal["want of memory"] = "want of memory"


class Failure(_Reply):
    """The system refused something, by its error's number: the disk is full."""

    told: Literal["failure"] = "failure"
    number: int
    reason: str


class Death(_Reply):
    """The child was ended by a signal, or by itself without a word (0)."""

    told: Literal["death"] = "death"
    signal: int


Reply = Made | Refusal | Damage | WantOfMemory | Failure | Death
REPLIES: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="told")])
