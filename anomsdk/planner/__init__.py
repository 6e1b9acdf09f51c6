"""From a spec, a calibration and a model to a plan: the only place where a float becomes an integer."""
