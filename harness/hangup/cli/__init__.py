"""The commands of `hangup`: parse, call, print."""
