"""Runtime of a plan: pipelines, whole recordings in one call, and the engines. It needs numpy only."""
