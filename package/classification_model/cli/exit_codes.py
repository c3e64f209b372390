"""The exit codes of the commands that have no better one; docs/commands.md lists them all."""

#: A model does not hold, no row could be predicted, or more are in error than allowed.
EXIT_NO = 1
#: An error, with a line on standard error for each mistake.
EXIT_ERROR = 2
