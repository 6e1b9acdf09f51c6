"""The demonstration: a generated scene becomes alerts, and generated recordings to try every command on."""
