"""What trials are run with: apps, interpreters, environments, sources and this machine.

Importing the package alone needs the standard library only, as the noxfile does.
"""
