from projects.console import register

register("analysis")
