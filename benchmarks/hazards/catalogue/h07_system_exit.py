"""SystemExit or KeyboardInterrupt in a coroutine ends the portal's thread."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H7(Hazard):
    slug = "system-exit-kills-the-portal"
    writes = "`sys.exit()` somewhere beneath a coroutine that is called through the portal, as command line code does."
    happens = "The caller waits for ever, and so does every later one: the process hangs instead of ending."
    why = """asyncio lets both exceptions through to `run_forever`, which ends; `PortalProvider._handle_future_result`
        (`utils/portals.py`) passes on `Exception` only; `call` waits without a time limit."""
    instead = "Never raise either beneath a coroutine."
    ours = "The exception is caught in the coroutine's own task and raised where the call was made."
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """Which calls came back: the one that exits, and one after it."""
        if facts["leave"] and facts["answer"]:
            return Outcome(False, "both calls came back")
        return Outcome(True, f"the call hung for ever, the next one {'came back' if facts['answer'] else 'too'}")
