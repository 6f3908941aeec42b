"""Tables of numbers to learn from: named data sets, inline data, scaling, and the order of batches."""
