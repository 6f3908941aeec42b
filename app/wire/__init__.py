"""The language on the wire: commands in, steps as JSON and as binary frames out."""
