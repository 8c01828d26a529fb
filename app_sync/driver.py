"""What has another name in the async app: the kind of database driver.

Written by hand, as its counterpart is.
"""

from catalog.databases import Driver

DRIVER: Driver = "sync"
