def measure(c):
    return True
