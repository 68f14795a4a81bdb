"""Build the sdist and the wheel, and check what is in them: `python .ci/build.py FOLDER`. It needs `uv`, from pip."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
GENERATED = "pyhall_tui/_version.py"
SKIPPED = ("__pycache__", "*.pyc", ".venv", ".git", "dist", "build", ".*_cache", ".hypothesis", "_version.py")


def main() -> None:
    out = Path(sys.argv[1]).resolve()
    sdist, wheel = build(ROOT, out)
    run("tool", "run", "twine", "check", "--strict", str(sdist), str(wheel))
    check_wheel(wheel)
    check_sdist(sdist)
    check_that_it_is_reproducible(sdist, wheel)
    check_an_archive()
    print(
        f"{wheel.name} ({wheel.stat().st_size / 1e6:.1f} MB) has what it should; a second build gives the same bytes."
    )


def run(*args: str) -> None:
    """Run uv, quietly."""
    env = {"SOURCE_DATE_EPOCH": "1700000000", **os.environ}
    subprocess.run([sys.executable, "-m", "uv", "-q", *args], check=True, env=env)


def build(source: Path, out: Path) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from it."""
    run("build", "--python", sys.executable, "--out-dir", str(out), str(source))
    [sdist], [wheel] = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


def tracked(*under: str) -> set[str]:
    """Return the repository's files; of a tree without git, those that are not caches."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "-c", "core.quotePath=false", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
        listed = subprocess.run([*command, "ls-files", "-z", *under], capture_output=True, check=True)
        return {name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()}
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(ROOT, Path(folder, "tree"), ignore=shutil.ignore_patterns(*SKIPPED))
        places = [copy / name for name in under] or [copy]
        return {file.relative_to(copy).as_posix() for place in places for file in place.rglob("*") if file.is_file()}


def check_wheel(wheel: Path) -> None:
    """The wheel has the package, the files for `share/`, its metadata and the license: nothing more, nothing less."""
    name, version = wheel.name.split("-")[:2]
    info, data = f"{name}-{version}.dist-info", f"{name}-{version}.data/data"
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shared = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    expected = {*tracked("pyhall_tui"), GENERATED, *(f"{data}/{to}" for to in shared.values())}
    expected |= {f"{info}/{file}" for file in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    with zipfile.ZipFile(wheel) as archive:
        compare(wheel, set(archive.namelist()), expected)
        text = archive.read(f"{info}/METADATA").decode()
        if f'"{version}"' not in archive.read(GENERATED).decode():
            sys.exit(f"{wheel.name}: {GENERATED} has another version")
    relative = [line for line in text.splitlines() if "](" in line and not all_absolute(line)]
    if relative:
        sys.exit(f"{wheel.name}: an index could not follow these links of the README:\n" + "\n".join(relative))


def all_absolute(line: str) -> bool:
    """Tell if each Markdown link of a line is an address, or a heading of the same page."""
    return all(rest.startswith(("https://", "#")) for rest in line.split("](")[1:])


def check_sdist(sdist: Path) -> None:
    """The sdist has all that is tracked, so that it can be built and tested by itself."""
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    compare(sdist, names, {*tracked(), GENERATED, "PKG-INFO"})


def compare(file: Path, names: set[str], expected: set[str]) -> None:
    """End with what is missing in a file, or is in it and should not be."""
    faults = [f"missing: {name}" for name in sorted(expected - names)]
    faults += [f"not expected: {name}" for name in sorted(names - expected)]
    if faults:
        sys.exit("\n".join([f"{file.name}:", *faults]))


def check_that_it_is_reproducible(sdist: Path, wheel: Path) -> None:
    """A second build gives the same bytes: from the sdist, without git, in a folder whose name is hard on tools."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "a földer 文 'x'")
        place.mkdir()
        with tarfile.open(sdist) as archive:
            archive.extractall(place, filter="data")
        [tree] = place.iterdir()
        for again, first in zip(build(tree, Path(folder, "dist")), (sdist, wheel), strict=True):
            if again.name != first.name or again.read_bytes() != first.read_bytes():
                sys.exit(f"{first.name} is not reproducible: {again.name} has other bytes")


def check_an_archive() -> None:
    """An archive made by git has no history, but is built as the version of its tag."""
    if not ((ROOT / ".git").exists() and shutil.which("git")):
        return
    with tempfile.TemporaryDirectory() as folder:
        clone, tree = Path(folder, "clone"), Path(folder, "tree")
        safe = ["git", "-c", f"safe.directory={ROOT}", "-c", f"safe.directory={ROOT / '.git'}"]
        subprocess.run([*safe, "clone", "-q", "--no-tags", str(ROOT), str(clone)], check=True)
        subprocess.run(["git", "-C", str(clone), "tag", "v98.7.6"], check=True)
        packed = subprocess.run(["git", "-C", str(clone), "archive", "HEAD"], check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(tree, filter="data")
        run("build", "--wheel", "--python", sys.executable, "--out-dir", str(tree / "dist"), str(tree))
        [wheel] = (tree / "dist").glob("*.whl")
        if wheel.name.split("-")[1] != "98.7.6":
            sys.exit(f"an archive of the tag v98.7.6 was built as {wheel.name}")


if __name__ == "__main__":
    main()
