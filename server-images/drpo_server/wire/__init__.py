"""Protobuf to the engine's types and back. Every decoder takes `where`, the path of its message in the request, and
raises InvalidArgument naming field, index and value."""
