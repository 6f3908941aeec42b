"""Tables of numbers to learn from: data sets, inline data, scaling, the order of batches."""
