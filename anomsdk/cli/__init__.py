"""The command line: it parses, calls the package and prints; the only place that knows flags."""
