"""What to ask next: ban list, sweep, priority, rate limit."""
