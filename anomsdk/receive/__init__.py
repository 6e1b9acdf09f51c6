"""Events of devices: decoded and followed."""
