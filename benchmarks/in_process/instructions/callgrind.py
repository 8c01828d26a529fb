"""valgrind's callgrind: the command that runs a process under it, its control from inside the process, and its dumps.

The process tells callgrind where to count by client requests: a sequence of instructions that does nothing on a processor and
that valgrind recognises ("The Client Request mechanism" in its manual; valgrind.h and callgrind.h, which are made to be copied).
There is no way to them from Python, so the few bytes stand here, one sequence for each kind of processor.
"""

import ctypes
import mmap
import platform
import re
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.errors import BenchmarkError

TOOL = ord("C") << 24 | ord("T") << 16
DUMP, ZERO, START, STOP = TOOL, TOOL + 1, TOOL + 4, TOOL + 5
RUNNING_ON_VALGRIND = 0x1001

CODE = {
    # mov rax, rdi; xor edx, edx; rol rdi, 3; rol rdi, 13; rol rdi, 61; rol rdi, 51; xchg rbx, rbx; mov rax, rdx; ret
    "x86_64": "4889f8 31d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3",
    # mov x4, x0; mov x3, xzr; ror x12, x12, 3; ror 13; ror 51; ror 61; orr x10, x10, x10; mov x0, x3; ret
    "aarch64": "e40300aa e3031faa 8c0dcc93 8c35cc93 8ccdcc93 8cf5cc93 4a010aaa e00303aa c0035fd6",
}
"""A function (args: pointer to six machine words, the request and its arguments) -> machine word."""

CACHES = {"I1": "32768,8,64", "D1": "32768,8,64", "LL": "8388608,16,64"}
"""Bytes, ways and bytes of a line of the caches that are simulated, whatever this machine has: counts are alike elsewhere."""
MISSES_L1, MISSES_LL = ("I1mr", "D1mr", "D1mw"), ("ILmr", "DLmr", "DLmw")
L1, LL, RAM = 1, 5, 35
"""Estimated cycles of an access, by where it hits: the weights that iai took from I. Turner-Trauring, "CI for performance:
Reliable benchmarking in noisy environments" (pythonspeed.com)."""

INSTALL = "apt-get install valgrind (Debian, Ubuntu), dnf install valgrind (Fedora), apk add valgrind (Alpine)"


def command(dumps: Path) -> list[str]:
    """What to put before a command to run it under callgrind, without counting yet; dumps are `dumps`.1, .2, ...

    It opens no pipes for debuggers, which would stay in the temporary folder where the process is killed.

    Raises `BenchmarkError` where valgrind is missing, or cannot be told where to count.
    """
    if platform.machine() not in CODE:
        raise BenchmarkError(f"instructions can be counted on {' and '.join(CODE)}, not on {platform.machine()}")
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise BenchmarkError(f"valgrind is needed to count instructions, and not installed (it runs on Linux): {INSTALL}")
    options = ("--tool=callgrind", "--vgdb=no", "--instr-atstart=no", "--dump-line=no", f"--callgrind-out-file={dumps}")
    caches = ("--cache-sim=yes", *(f"--{name}={size}" for name, size in CACHES.items()))
    return [valgrind, "-q", *options, *caches]


class Callgrind:
    """Control of the callgrind that this process runs under."""

    def __init__(self) -> None:
        """Raise `BenchmarkError` outside of valgrind."""
        page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(bytes.fromhex(CODE[platform.machine()]))
        self._page = ctypes.c_char.from_buffer(page)  # keeps it
        self._function = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)(ctypes.addressof(self._page))
        if not self._request(RUNNING_ON_VALGRIND):
            raise BenchmarkError("this process does not run under valgrind")

    def start(self) -> None:
        """Begin to count: from now on the process runs about 100 times slower."""
        self._request(START)

    def zero(self) -> None:
        """Forget what was counted."""
        self._request(ZERO)

    def dump(self) -> None:
        """Write what was counted since the start, `zero` or the last dump, to the next file."""
        self._request(DUMP)

    def stop(self) -> None:
        """End counting."""
        self._request(STOP)

    def _request(self, number: int) -> int:
        words = (ctypes.c_ulong * 6)(number)
        return int(self._function(ctypes.addressof(words)))


@dataclass
class Dump:
    """What was counted of all threads: `instructions` by the path of the shared object in which they lie, and all `events`."""

    instructions: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)

    @property
    def cycles(self) -> int:
        """Estimated from where the accesses to instructions and data hit."""
        accesses = self.events["Ir"] + self.events["Dr"] + self.events["Dw"]
        beyond_l1, beyond_ll = (sum(self.events[name] for name in names) for names in (MISSES_L1, MISSES_LL))
        return L1 * (accesses - beyond_l1) + LL * (beyond_l1 - beyond_ll) + RAM * beyond_ll


def read_dump(path: Path) -> Dump:
    """Read a dump.

    The format is in valgrind's manual, "Callgrind Format Specification": a name is given once with its number, as
    `ob=(3) /usr/lib/libc.so.6`, later as `ob=(3)`; a line of numbers is a position and its cost in each of the `events:`, of
    which the last may be missing, and belongs to the object named last, except for the line after `calls=`, which repeats what
    the called function has cost.
    """
    names: dict[str, str] = {}
    found, events = Dump(), ["Ir"]
    where, called = "", False
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line[0] in "0123456789+-*":
                if not called:
                    costs = [int(cost) for cost in line.split()[1:]]
                    found.instructions[where] += costs[0]
                    for name, cost in zip(events, costs, strict=False):
                        found.events[name] += cost
                called = False
            elif line.startswith("calls="):
                called = True
            elif line.startswith("events:"):
                events = line.split()[1:]
            elif match := re.match(r"c?ob=(\(\d+\))(?: (.*))?", line):
                name = names.setdefault(match[1], match[2] or "")
                if line[0] == "o":
                    where = name
    return found
