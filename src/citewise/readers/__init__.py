"""One module for each file format; each turns bytes into text, and none touches a disk.

They run in a process of their own (``citewise.readers.child``), because their input comes from
strangers.
"""
