"""How fast Retrace is: ratios between things measured in one run, since machines differ."""
