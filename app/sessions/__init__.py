"""Many runs, each kept safe: sessions in memory, and the store behind them."""
