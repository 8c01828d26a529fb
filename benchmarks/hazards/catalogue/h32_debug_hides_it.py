"""Debug mode hides the hanging of production."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H32(Hazard):
    slug = "debug-mode-hides-it"
    writes = "`flask run --debug` in development, a server without it in production."
    happens = "In development, whose server has threads too, all is well; the same app hangs in production (H2)."
    why = "`shutdown_portal` in `AdvancedAlchemy.init_app` (`extensions/flask/extension.py`) stops the portal `if not app.debug`."
    instead = "Load tests without debug mode. Never production with it: the debugger runs code for whoever reaches it."
    ours = "Both modes run the same code."
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """Threads that hang, of eight, in either mode."""
        sentence = f"{facts['debug']} of 8 threads hung with debug, {facts['production']} without"
        return Outcome(bool(facts["debug"] or facts["production"]), sentence)
