"""Tables in files and databases: their formats, read and written in blocks of Arrow columns."""
