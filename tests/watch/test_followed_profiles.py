"""What `profiles.toml` says about the watched profiles, look by look."""

from pathlib import Path

import pytest

from pyhall_tui.profiles.profile_store import ProfileStore
from pyhall_tui.watch.followed_profiles import FollowedProfiles, Found, NotFollowed

TWO = """
[profiles.one]
namespace = "org.one"
registry_url = "https://registry.invalid"
[profiles.two]
namespace = "org.two"
registry_url = "https://registry.invalid"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "profiles.toml"
    write(path, TWO)
    return path


def following(file: Path, *, everything: bool = False) -> FollowedProfiles:
    store = ProfileStore(file)
    return FollowedProfiles(store, store.load().profiles[:1], everything=everything)


def write(path: Path, text: str) -> None:
    path.write_text(text)


async def looked(followed: FollowedProfiles, times: int) -> list[Found]:
    return [found for _ in range(times) if (found := await followed.look()) is not None]


@pytest.mark.parametrize("everything", [False, True])
async def test_it_is_read_once_it_has_come_to_rest_and_again_when_it_changes(file: Path, everything: bool) -> None:
    followed = following(file, everything=everything)
    assert await followed.look() is None
    (found,) = await looked(followed, 5)
    assert [*found.wanted] == (["one", "two"] if everything else ["one"])
    write(file, TWO.replace("org.one", "org.other"))
    assert await followed.look() is None
    (changed,) = await looked(followed, 5)
    assert changed.wanted["one"].changed(found.wanted["one"]) == ["namespace"]


async def test_a_file_that_cannot_be_used_is_not_read_at_each_look(file: Path) -> None:
    followed = following(file)
    await looked(followed, 2)
    write(file, "[profiles.one")
    mistakes = 0
    for _ in range(40):
        try:
            await followed.look()
        except NotFollowed as mistake:
            assert "This is not TOML" in str(mistake)
            mistakes += 1
    assert 2 <= mistakes <= 5
    write(file, TWO)
    assert len(await looked(followed, 3)) == 1


async def test_a_program_that_is_put_in_its_place_later_is_found(file: Path, tmp_path: Path) -> None:
    program = tmp_path / "program"
    write(file, TWO.replace("[profiles.two]", f'on_alarm = ["{program}"]\n[profiles.two]'))
    followed = following(file)
    (found, *_) = await looked(followed, 15)
    assert (found.wanted["one"].command, [*found.mistakes]) == (None, ["one"])
    write(program, "#!/bin/sh\n")
    program.chmod(0o755)
    found = (await looked(followed, 15))[-1]
    assert (found.wanted["one"].command, found.mistakes) == ((str(program),), {})
