"""The lock on an open file, which the system drops when its program ends, however it ends."""

import contextlib
import sys

if sys.platform == "win32":
    import msvcrt
    import os

    def try_lock(handle: int) -> bool | None:
        """Take the lock for this program alone; False: another has it, None: this file system knows no locks."""
        try:
            os.lseek(handle, 0, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def unlock(handle: int) -> None:
        """Let it go."""
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def try_lock(handle: int) -> bool | None:
        """Take the lock for this program alone; False: another has it, None: this file system knows no locks."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return None
        return True

    def unlock(handle: int) -> None:
        """Let it go."""
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
