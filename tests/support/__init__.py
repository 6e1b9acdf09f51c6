"""What tests share: builders, oracles, programs that run by themselves. Nothing in here is a test."""
