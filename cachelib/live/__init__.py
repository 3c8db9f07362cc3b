"""The same requests on the real runtime."""
