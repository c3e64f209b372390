"""A model folder as a wheel of its own: what it may be called, what it says of itself, and how it is packed."""
