"""A row of the Titanic problem as a typed pydantic model, for the servers that have none of their own."""

from pydantic import BaseModel, ConfigDict


class Passenger(BaseModel):
    """What the passenger list says of one passenger."""

    model_config = ConfigDict(extra="forbid")

    pclass: str
    name: str
    sex: str
    age: float | None
    sibsp: float
    parch: float
    ticket: str
    fare: float | None
    cabin: str | None


class Passengers(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid")

    inputs: list[Passenger]
