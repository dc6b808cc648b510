"""Mapping files that people edit while the daemon runs: what was good last stays in force until they are good again."""

from __future__ import annotations

import threading
from collections.abc import Callable

from agent.domain.mappings import Mappings
from agent.mapping_files.files import Contents, MappingFiles, Stamps
from agent.mapping_files.problems import MappingsInvalid
from agent.toml_places import Problem

LOOKS = 10  # at a folder that keeps changing, before it is left for the next tick


class LastGood:
    """`pause` waits about a second: a file that is still being written looks different after it.

    `problems` are those of the files as they are now; while there are any, `current` gives what was good before.
    """

    def __init__(self, files: MappingFiles, pause: Callable[[], None]) -> None:
        self._files, self._pause = files, pause
        self._good: Mappings | None = None
        self._stamps: Stamps | None = None
        self._lock = threading.Lock()
        self.problems: tuple[Problem, ...] = ()

    def current(self) -> Mappings:
        """The mappings in force; MappingsInvalid only where the files were never good."""
        with self._lock:
            if self._files.stamps() != self._stamps:
                self._look_again()
            if self._good is None:
                raise MappingsInvalid(self.problems)
            return self._good

    def in_force(self) -> Mappings:
        """Without looking at the files, for whoever may not wait while they settle."""
        good = self._good
        return self.current() if good is None else good

    def _look_again(self) -> None:
        contents = self._settled()
        if contents is None:
            folder = str(self._files.folder)
            self.problems = (Problem(folder, None, "", "is being changed all the time", "Wait until it is copied"),)
        elif self._good is None or contents.problems or self.problems or contents.digest != self._good.digest:
            self._take(contents)

    def _settled(self) -> Contents | None:
        """What two looks a pause apart agree on, so that half a file is never read as a whole one."""
        stamps, contents = self._files.stamps(), self._files.contents()
        for _ in range(LOOKS):
            self._pause()
            again, contents_again = self._files.stamps(), self._files.contents()
            if again == stamps and contents_again == contents:
                self._stamps = stamps
                return contents
            stamps, contents = again, contents_again
        return None

    def _take(self, contents: Contents) -> None:
        try:
            self._good, self.problems = self._files.understand(contents), ()
        except MappingsInvalid as error:
            self.problems = error.problems
