"""Two apps of one process share a portal, and one stops it for the other."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H9(Hazard):
    slug = "two-apps-share-a-portal"
    writes = "Two apps in one process: a dispatcher, or a test suite with an app per test."
    happens = 'The second app warns "already started"; a request to the first stops the loop of the second.'
    why = "`PortalProviderSingleton` (`utils/portals.py`) makes one provider for all extensions that are not given a loop."
    instead = """`AdvancedAlchemy(config, app, portal_provider=PortalProvider(loop=asyncio.new_event_loop()))` for each app; H2
        remains."""
    ours = "All apps of a process share one loop that none of them stops; under ASGI each has the loop it is served on."
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """What the second app's portal answers before and after a request to the first."""
        warned = f", start warned {len(facts['warnings'])} time" if facts["warnings"] else ""
        if facts["before"] == facts["after"] == "fine":
            return Outcome(bool(warned), f"the second app's calls answered{warned}")
        return Outcome(True, f"the second app's call failed after a request to the first{warned}")
