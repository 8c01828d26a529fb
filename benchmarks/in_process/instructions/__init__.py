"""Exact costs: instructions and estimated cycles per request, in process, under callgrind.

`runner` works a plan of cells off with `child` processes, whose code `subjects.layers` attributes.
"""

from benchmarks.in_process.instructions.callgrind import CACHES

_METHOD = {
    "instructions": """valgrind --tool=callgrind, PYTHONHASHSEED=0, one caller, no server; after 64 requests or more to warm up,
        (count for 3 N requests - count for N) / 2 N, so that what is not of requests cancels. All threads of the process are
        counted; the kernel and PostgreSQL's server are not, SQLite is. The cyclic garbage collector is off. callgrind with its
        caches slows by about 100; Python's switch interval and the runtime's look for disconnects, which go by the clock, are
        lengthened by as much.""",
    "cycles": f"""callgrind simulates two levels of caches ({", ".join(f"{name} {size}" for name, size in CACHES.items())}:
        bytes, ways, bytes of a line), whatever the machine has. Estimated cycles are 1 for each access to an instruction or to
        data that hits the first level, 5 for one that hits the last level, 35 for memory. The caches start as the warm-up left
        them; no other process and no kernel evicts from them.""",
    "repeats": """Where objects lie in memory moves counts by up to a per cent, and every change of code moves objects: so each
        repeat has another layout, made by the size of its environment.""",
    "layers": """Machine code in a layer's own shared objects is counted for it. All other machine code (nearly all, but where
        SQLite itself has much to do) is Python's work for all layers: it is shared out by the bytecodes that each layer executes,
        which an unmeasured process counts with sys.settrace; code of no layer, such as most of the standard library, counts to
        its caller's. So layers add up to the exact total, and their shares are estimates: bytecodes differ in what they cost.""",
}
METHOD = {name: " ".join(text.split()) for name, text in _METHOD.items()}
"""How it was done, as the raw file and the report say it."""
