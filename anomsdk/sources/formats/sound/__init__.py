"""Sound files and raw samples, and checks that they are what they say."""
