"""Tables in files: their formats, read and written in blocks of Arrow columns."""
