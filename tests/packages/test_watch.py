"""Packages on a real disk, hashed when their files change, against an attested hash that the test gives."""

import asyncio
import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyhall_tui.files.notes import Notes
from pyhall_tui.fleet.drift_state import DriftState
from pyhall_tui.packages.drift import Changes, Drift
from pyhall_tui.packages.package_hash import hash_package
from pyhall_tui.packages.watch import PackageWatch, _concerned
from tests.packages.trees import go_hash, write_tree
from tests.waiting import until

FILES = {"src/a.py": "1", "src-x/b.py": "2", "gone.py": "3"}
WORKER = "org.acme.mailer"


class Watching:
    """A watch on this test's loop, and what it has reported."""

    def __init__(self, state: Path) -> None:
        loop = asyncio.get_running_loop()

        def hand_over(function: Callable[..., None], *args: object) -> None:
            with contextlib.suppress(RuntimeError):  # the test is over
                loop.call_soon_threadsafe(function, *args)

        self.told: list[Drift] = []
        self.packages = PackageWatch(
            Notes(state, "acme"),
            wall=lambda: 1_774_000_000.0,
            hand_over=hand_over,
            take=lambda worker_id, drift: self.told.append(drift),
            quiet=0.05,
        )

    def follow(self, folder: Path, attested: str | None) -> None:
        self.packages.follow(WORKER, folder, attested, known=True)

    @property
    def state(self) -> DriftState | None:
        return self.told[-1].state if self.told else None

    async def until(self, state: DriftState) -> Drift:
        await until(lambda: self.state is state)
        return self.told[-1]


@pytest.fixture
async def watching(tmp_path: Path) -> Iterator[Watching]:
    watching = Watching(tmp_path / "state")
    yield watching
    watching.packages.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "package", FILES)


def sha256_of(folder: Path) -> str:
    return hash_package(folder).sha256


async def test_a_changed_file_is_drift_and_the_old_content_a_match_again(watching: Watching, folder: Path) -> None:
    watching.follow(folder, sha256_of(folder))
    await watching.until(DriftState.MATCH)
    write_tree(folder, {"src/a.py": "changed", "src/new.py": "4"})
    (folder / "gone.py").unlink()
    changes = Changes(added=("src/new.py",), removed=("gone.py",), changed=("src/a.py",))
    await until(lambda: watching.told[-1].changes == changes)
    assert watching.state is DriftState.DRIFTED
    assert "src/a.py, src/new.py, gone.py" in watching.told[-1].summary
    write_tree(folder, FILES)
    (folder / "src/new.py").unlink()
    await watching.until(DriftState.MATCH)


async def test_after_a_restart_the_changed_files_can_still_be_named(
    watching: Watching, folder: Path, tmp_path: Path
) -> None:
    attested = sha256_of(folder)
    watching.follow(folder, attested)
    await watching.until(DriftState.MATCH)
    watching.packages.close()
    write_tree(folder, {"src/a.py": "changed while nobody looked"})

    later = Watching(tmp_path / "state")
    standing = later.packages.follow(WORKER, folder, attested, known=True)
    assert standing is not None and standing.drift.state is DriftState.MATCH, "as it stood in the run before"
    drift = await later.until(DriftState.DRIFTED)
    later.packages.close()
    assert drift.changes == Changes(changed=("src/a.py",))


async def test_a_newly_attested_hash_turns_a_match_into_drift(watching: Watching, folder: Path) -> None:
    watching.follow(folder, sha256_of(folder))
    await watching.until(DriftState.MATCH)
    watching.packages.attested_is(WORKER, "0" * 64)
    drift = await watching.until(DriftState.DRIFTED)
    assert drift.changes == Changes()
    assert "No file has changed since they last matched" in drift.summary


async def test_gos_order_is_reported_as_the_same_content(watching: Watching, folder: Path) -> None:
    watching.follow(folder, go_hash(hash_package(folder)))
    drift = await watching.until(DriftState.OTHER_ORDER)
    assert "Same content, hashed in Go's" in drift.detail
    write_tree(folder, {"src/a.py": "changed"})
    drift = await watching.until(DriftState.DRIFTED)
    assert drift.changes == Changes(changed=("src/a.py",)), "the same content counts as a match to compare with"


async def test_a_folder_that_goes_is_unreadable_and_one_that_comes_back_is_hashed(
    watching: Watching, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyhall_tui.packages.watch._LOOK", 0.1)
    watching.follow(folder, sha256_of(folder))
    await watching.until(DriftState.MATCH)
    shutil.rmtree(folder)
    drift = await watching.until(DriftState.UNREADABLE)
    assert "there is no such file or folder" in drift.detail
    write_tree(folder, FILES)
    await watching.until(DriftState.MATCH)
    write_tree(folder, {"src/a.py": "changed"})
    await watching.until(DriftState.DRIFTED)


async def test_a_folder_that_is_replaced_by_another_is_hashed(
    watching: Watching, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyhall_tui.packages.watch._LOOK", 0.1)
    current = tmp_path / "current"
    current.symlink_to(folder)
    watching.follow(current, sha256_of(folder))
    await watching.until(DriftState.MATCH)
    other = write_tree(tmp_path / "other", {"src/a.py": "of another release"})
    (tmp_path / "next").symlink_to(other)
    (tmp_path / "next").replace(current)
    await watching.until(DriftState.DRIFTED)


async def test_a_linked_file_that_changes_outside_of_the_folder_is_drift_too(
    watching: Watching, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyhall_tui.packages.watch._LOOK", 0.1)
    outside = write_tree(tmp_path / "shared", {"lib.py": "1"})
    (folder / "lib.py").symlink_to(outside / "lib.py")
    watching.follow(folder, sha256_of(folder))
    await watching.until(DriftState.MATCH)
    write_tree(outside, {"lib.py": "changed"})
    drift = await watching.until(DriftState.DRIFTED)
    assert drift.changes == Changes(changed=("lib.py",))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
async def test_a_pipe_in_the_folder_is_unreadable_and_named(watching: Watching, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    watching.follow(folder, "0" * 64)
    drift = await watching.until(DriftState.UNREADABLE)
    assert "pipe: a named pipe" in drift.detail


async def test_nothing_is_compared_before_the_registry_has_said_anything(watching: Watching, folder: Path) -> None:
    watching.packages.follow(WORKER, folder, None, known=False)
    assert watching.packages.hash_now(WORKER) is False
    assert not watching.packages.is_hashing(WORKER)
    watching.packages.attested_is(WORKER, sha256_of(folder))
    await watching.until(DriftState.MATCH)
    assert len(watching.told) == 1, "a placeholder's `not attested` was never told"


async def test_a_requested_one_is_hashed_again_though_nothing_changed(watching: Watching, folder: Path) -> None:
    watching.follow(folder, sha256_of(folder))
    await watching.until(DriftState.MATCH)
    assert watching.packages.hash_now(WORKER)
    await until(lambda: len(watching.told) == 2)


async def test_dropped_or_closed_packages_are_no_longer_reported(watching: Watching, folder: Path) -> None:
    watching.follow(folder, sha256_of(folder))
    await watching.until(DriftState.MATCH)
    watching.packages.drop([WORKER])
    assert watching.packages.hash_now(WORKER) is False
    assert watching.packages.folder(WORKER) is None
    watching.packages.close()
    await asyncio.to_thread(watching.packages.wait_closed, 2.0)
    assert not [one for one in threading.enumerate() if one in watching.packages._threads]


async def test_a_hash_under_way_is_given_up_when_the_watch_is_closed(watching: Watching, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    with (folder / "hole").open("wb") as file:
        file.truncate(50 << 30)  # minutes to read, no byte on disk
    watching.follow(folder, "0" * 64)
    await until(lambda: watching.packages.progress(WORKER))
    watching.packages.close()
    await asyncio.to_thread(watching.packages.wait_closed, 2.0)
    assert not any(thread.is_alive() for thread in watching.packages._threads)
    assert watching.told == []


async def test_a_package_that_never_settles_is_reported_after_some_attempts(
    watching: Watching, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    path = folder / "log"

    def write() -> None:
        while not stop.is_set():
            path.write_text("x" * 100_000)
            path.unlink()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        monkeypatch.setattr("pyhall_tui.packages.watch._TRIES", 2)
        watching.follow(folder, "0" * 64)
        await until(lambda: watching.told)
    finally:
        stop.set()
        writer.join()
    await watching.until(DriftState.DRIFTED)


@pytest.mark.parametrize("path", [".git/index", "src/__pycache__/a.py", "manifest.json", "src/a.pyc", ".DS_Store"])
def test_a_change_of_what_never_counts_concerns_no_package(path: str) -> None:
    assert list(_concerned(f"/srv/.git/package/{path}", {"/srv/.git/package": ["the package"]})) == []  # type: ignore[dict-item]


@pytest.mark.parametrize("path", ["src/a.py", "", "a.PYC"])
def test_any_other_change_concerns_the_package_it_lies_in(path: str) -> None:
    roots = {"/srv/.git/package": ["the package"], "/srv/other": ["the other"]}
    assert list(_concerned(f"/srv/.git/package/{path}", roots)) == ["the package"]  # type: ignore[arg-type, comparison-overlap]
