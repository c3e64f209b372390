"""What every output of a table can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from classification_model.tables.source import Batch

#: Whether rows take the place of those of a table, or are added to them.
Mode = Literal["replace", "append"]


class Output(Protocol):
    """A file that batches are written to."""

    def render(self, batch: Batch) -> Any:
        """Prepare a batch for writing; on any thread."""

    def write(self, rendered: Any) -> None:
        """Write what was rendered."""

    def finish(self) -> None:
        """Write what ends the file, and see that all of it is where it will stay."""
