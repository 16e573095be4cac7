"""The command `hangup`: parse, call, print. One module a command."""
