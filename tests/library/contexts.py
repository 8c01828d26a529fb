"""Flask's contexts: two until 3.1, of an application and of a request in it; one since 3.2."""

from flask.ctx import AppContext

CONTEXTS_ARE_ONE = hasattr(AppContext, "has_request")
"""Then each request has a ``g`` of its own, and a stream goes on in its request's context, which ends once."""
