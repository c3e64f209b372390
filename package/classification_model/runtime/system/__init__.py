"""What the operating system gives: the time, durable files, safely opened ones, locks, unique names."""
