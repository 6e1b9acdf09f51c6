"""A plan as structs of the C port, described once: for the native engine, and as C source."""
