"""The server under fire: real processes that are killed, wires that fail, disks that fill."""
