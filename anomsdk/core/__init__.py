"""The stages that execute a plan: numpy integers, no I/O, no clock, no logging."""
