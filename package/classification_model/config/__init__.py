"""The config file: its sections, and how it is read and checked."""
