"""Alarms as things with a life: what fires, what ended, who has seen it, what is silenced. Pure: no I/O, no clock."""
