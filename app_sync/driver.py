"""What has another name in the async app: the kind of database driver, and how a unique tag is found or made.

Written by hand, as its counterpart is.
"""

from catalog.databases import Driver
from catalog.models import Tag

DRIVER: Driver = "sync"

unique_tag = Tag.as_unique_sync
