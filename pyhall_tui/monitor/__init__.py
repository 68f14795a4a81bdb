"""What to ask next: ban list, sweep, priority, budget."""
