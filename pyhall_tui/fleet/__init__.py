"""What is known: verdicts, their age, transitions to events, order and filter. No I/O, no clock of its own."""
