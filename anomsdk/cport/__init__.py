"""C port: a plan as structs, described once for the native engine and for C source."""
