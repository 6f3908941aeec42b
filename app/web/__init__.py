"""Pages, JSON API and WebSocket: parse, call, answer. Nothing is computed here."""
