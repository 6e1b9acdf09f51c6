"""Checks of a plan and of its engines that anybody can repeat."""
