"""What runs inside the server under test beside the app, and reports what happens there.

It is copied to a directory of its own, without the rest of hangup
(`hangup.environment.staging`). So it imports the standard library only, and it neither raises
into the app nor changes what the app or the server does.
"""
