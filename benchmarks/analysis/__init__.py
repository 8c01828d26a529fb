"""From recorded slices to verdicts: pure functions, no I/O.

slices -> series (log-ratios, paired by pass) -> estimate (one interval for all) -> calibration (by the A/A control) -> verdict;
`proof` shows by simulation from recorded slices that all this keeps what it promises.
"""
