"""Runs trials: what runs when, on which server, and what is observed; it concludes nothing."""
