"""Planner: turns spec, calibration and model into a plan. Floats become integers here and nowhere else."""
