"""What the operating system gives: the time, durable files, locks, unique names."""
