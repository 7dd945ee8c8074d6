"""Kills the server at every commit and every call of the loop, and compares the end with the truth."""
