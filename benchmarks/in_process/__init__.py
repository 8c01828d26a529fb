"""Requests to an app in this process, without a server: `micro` takes their time, `instructions` counts what they execute."""
