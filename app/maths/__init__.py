"""The mathematics: NumPy only. No clock, no input or output, no global randomness."""
