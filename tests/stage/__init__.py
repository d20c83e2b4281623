"""What the end-to-end tests stand on; pytest plugins that tests/conftest.py names.

processes  the real daemon and the sandbox, started and stopped
visitors   clients without any library: raw HTTP and JSON-RPC over a Unix socket
origin     a provider that plays a script of bytes
canary     the search for keys in everything that was written
verdict    the counts of the run, and that CI skips nothing
"""
