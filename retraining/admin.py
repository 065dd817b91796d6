from projects.console import register

register("retraining")
