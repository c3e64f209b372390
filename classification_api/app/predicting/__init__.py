"""Answer prediction requests."""
