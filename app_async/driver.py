"""What has another name in the sync app: the kind of database driver.

Written by hand, as its counterpart is.
"""

from catalog.databases import Driver

DRIVER: Driver = "async"
