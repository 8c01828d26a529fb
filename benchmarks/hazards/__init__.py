"""The hazards of async routes in Flask, as evidence that runs.

A hazard is one module of `catalogue`: its texts, how observed facts are judged, what was recorded. Its steps are a script of
`reproductions`, which needs Flask and Advanced Alchemy only and prints a line of JSON. The documented path is that script as it
is; `async-loop` and `async-native` are the same script with this project's runtime in place of the stock classes (`wiring`), or,
where the cure is to write something else, the `steps` of the entry. Each runs in a process of its own (`runner`).
"""
