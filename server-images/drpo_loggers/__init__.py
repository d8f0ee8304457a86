"""Loggers whose SDK is in Python: each is a child process that reads JSON lines."""
