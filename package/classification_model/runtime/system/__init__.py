"""Access to the operating system: clock, durable files, safe opening, locks and unique names."""
