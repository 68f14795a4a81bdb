"""The package hash: typed, or computed in a thread from what you pick, with progress and a way to cancel."""

import threading
from functools import partial
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Button, Input, ProgressBar

from pyhall_tui.enroll.draft import Package
from pyhall_tui.enroll.form_checks import SHA256, check_sha256, hint_of_sha256
from pyhall_tui.files.sizes import amount
from pyhall_tui.packages.package_hash import Cancelled, HashProgress, PackageHash, PackageUnreadable, hash_package
from pyhall_tui.registry.models import plain_sha256
from pyhall_tui.render.text import clean
from pyhall_tui.screens.enroll.hashed import HashedScreen
from pyhall_tui.screens.enroll.pick_package import PickPackageScreen
from pyhall_tui.screens.enroll.steady_field import SteadyField
from pyhall_tui.threads.off_loop import off_loop
from pyhall_tui.widgets.key_bar import key_name

COMPUTING = "The hash is being computed: wait for it, or press escape to cancel."


class PackageField(Vertical):
    """The hash's field, and below it what computes one."""

    class Hashed(Message):
        """Another package was hashed, or the hash was changed by typing."""

    DEFAULT_CSS = """
    PackageField {
        height: auto;
        & > Horizontal { height: auto; margin-bottom: 1; }
        & > Horizontal > Button { margin-right: 2; }
        #hashing { display: none; & > ProgressBar { width: 1fr; margin-right: 1; } Bar { width: 1fr; } }
        &.-hashing #hashing { display: block; }
        #without, #files { display: none; }
        &.-listed #files { display: block; }
        &.-special #without { display: block; }
        &.-odd .-hint > .sentence { color: $text-warning; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.field = SteadyField(SHA256, "Package hash (SHA-256)", placeholder="64 hex digits")
        self.package: Package | None = None
        """What the hash in the field was computed from."""
        self.listing: PackageHash | None = None
        """Everything that went into it, if it was computed in this run."""
        self._root: Path | None = None
        self._stop = threading.Event()
        self._progress: HashProgress | None = None

    def compose(self) -> ComposeResult:
        yield self.field
        with Horizontal():
            self.field.input.placeholder = f"64 hex digits, or {key_name(self, 'enroll.pick', 'ctrl+o')}"
            yield Button(f"Compute it…  {key_name(self, 'enroll.pick', 'ctrl+o')}", id="pick", compact=True)
            yield Button(f"Files…  {key_name(self, 'enroll.files', 'ctrl+g')}", id="files", compact=True)
            yield Button("Hash without them", id="without", compact=True)
        with Horizontal(id="hashing"):
            yield ProgressBar(show_eta=False, id="hash-bar")
            yield Button("Cancel", id="hash-cancel", compact=True)

    def on_mount(self) -> None:
        self.set_interval(0.1, self._draw_progress)

    def on_unmount(self) -> None:
        self._stop.set()

    @property
    def is_hashing(self) -> bool:
        """Whether a hash is being computed."""
        return self.has_class("-hashing")

    def restore(self, sha256: str, package: Package | None) -> None:
        """Show a saved hash, and what it was computed from."""
        if package is None or self.package != package:
            self._list(None)
        self.package = package
        self.field.input.value = sha256

    def mistake(self) -> str:
        """Return the sentence for this field's current content."""
        return (
            COMPUTING
            if self.is_hashing
            else check_sha256(self.field.value, key=key_name(self, "enroll.pick", "ctrl+o"))
        )

    def check(self) -> str:
        """Show and return this field's sentence; something odd that can be sent is only a hint."""
        sentence = self.mistake()
        if sentence:
            self.field.say(clean(sentence, 500), mistake=not self.is_hashing)
        else:
            odd = hint_of_sha256(self.field.value) or self._warning()
            self.field.say(odd, mistake=False)
            self.set_class(bool(odd), "-odd")
        return sentence

    def _warning(self) -> str:
        """Return what in the package needs a second look before sending; empty if nothing does."""
        count = self.package.warnings if self.package else 0
        things = f"{count:,} thing{'s' * (count != 1)}"
        return (
            f"▲ {things} in it should not be in a package: see {key_name(self, 'enroll.files', 'ctrl+g')}."
            if count
            else ""
        )

    @on(Button.Pressed, "#pick")
    def pick(self) -> None:
        """Ask for a folder or file and hash it."""
        start = Path(self.package.path) if self.package else Path.cwd()
        if not start.exists():
            start = Path.cwd()
        self.app.push_screen(PickPackageScreen("Hash a package: its folder, or a file", "Hash it", start), self._picked)

    def _picked(self, path: Path | None) -> None:
        if path is not None:
            self.start(path)

    def start(self, root: Path, *, skip_special: bool = False) -> None:
        """Hash `root` in the background, cancelling any other hash."""
        self._stop.set()
        self._stop = threading.Event()
        self._root, self._progress = root, None
        self.remove_class("-special", "-odd")
        self.add_class("-hashing")
        self.field.say(f"Hashing {clean(root, 200)} …", mistake=False)
        self._hash(root, self._stop, skip_special)
        self.post_message(self.Hashed())

    @on(Button.Pressed, "#hash-cancel")
    def cancel(self) -> None:
        """Stop computing; the field keeps its content."""
        self._stop.set()

    @on(Button.Pressed, "#without")
    def _hash_without_special(self) -> None:
        if self._root is not None:
            self.start(self._root, skip_special=True)

    @on(Input.Changed)
    def _typed_over(self, message: Input.Changed) -> None:
        if self.package is not None and plain_sha256(message.value) != self.package.sha256:
            self.package = None
            self._list(None)
            self.post_message(self.Hashed())

    @work(exclusive=True, exit_on_error=False, group="hash")
    async def _hash(self, root: Path, stop: threading.Event, skip_special: bool) -> None:
        compute = partial(hash_package, root, on_progress=self._note, cancelled=stop.is_set, skip_special=skip_special)
        try:
            package = await off_loop(compute, name="package-hash")
        except Cancelled:
            self._ended("Stopped: the hash is unchanged.", mistake=False)
        except PackageUnreadable as error:
            self.set_class(error.only_special, "-special")
            if self.package is not None:  # a hash that was computed before is not this package's
                self.field.input.value = ""
            self._ended(str(error), mistake=True)
        else:
            self._list(package)
            self.package = Package.of(str(root), package)
            self.field.input.value = package.sha256
            self._ended("", mistake=False)
            self.check()
        finally:
            stop.set()

    @on(Button.Pressed, "#files")
    def show_files(self) -> None:
        """Show the list of what was hashed, over the whole screen."""
        if self.listing is not None and self.package is not None:
            self.app.push_screen(HashedScreen(self.listing, self.package.path))
        else:
            self.notify(f"Nothing has been hashed yet: press {key_name(self, 'enroll.pick', 'ctrl+o')}.", markup=False)

    def _list(self, listing: PackageHash | None) -> None:
        self.listing = listing
        self.set_class(listing is not None, "-listed")

    def _ended(self, sentence: str, *, mistake: bool) -> None:
        self.remove_class("-hashing", "-odd")
        self.field.say(clean(sentence, 1_000), mistake=mistake)
        self.post_message(self.Hashed())

    def _note(self, progress: HashProgress) -> None:
        """Note the progress, on the hashing thread; a timer draws it."""
        self._progress = progress

    def _draw_progress(self) -> None:
        progress = self._progress
        if not self.is_hashing or progress is None:
            return
        bar = self.query_one(ProgressBar)
        if not progress.files_total:
            bar.update(total=None)
            return
        bar.update(total=max(1, progress.bytes_total), progress=progress.bytes_done)
        words = f"{amount(progress.bytes_done)} of {amount(progress.bytes_total)}, {clean(self._root, 200)}"
        self.field.say(f"Hashing {words} …", mistake=False)
