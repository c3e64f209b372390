"""Receive requests: uvicorn's HTTP protocol with limits."""

from app.connections.limited import LimitedConnection
from app.connections.replies import written

__all__ = ["LimitedConnection", "written"]
