"""What is known: verdicts and their age, events from transitions, order and filter. No I/O and no own clock."""
