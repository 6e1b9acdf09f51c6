"""Running a plan: pipelines, whole recordings at once, and the engines. numpy only."""
