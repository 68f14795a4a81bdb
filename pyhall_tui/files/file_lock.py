"""The lock on an open file, which the system drops when its program ends, however it ends.

This is filelock's lock on a descriptor. Its `FileLock` doesn't fit: it opens the lock file by name, so it can't lock a
file while that is written (`whole_file`), or one that was checked when it was opened (`private_file`); and if the file
system has no locks, it fails, but we continue without one. filelock is imported at the first lock: it takes 20 ms.
"""

import contextlib


def try_lock(handle: int) -> bool | None:
    """Lock it for this program. False: another program has the lock; None: this file system has no locks."""
    from filelock import lock_descriptor

    try:
        return lock_descriptor(handle, blocking=False)
    except OSError:
        return None


def unlock(handle: int) -> None:
    """Release the lock."""
    from filelock import unlock_descriptor

    with contextlib.suppress(OSError):
        unlock_descriptor(handle)
