"""`python -m hangup` is the command `hangup`."""

from hangup.cli.main import main

main()
