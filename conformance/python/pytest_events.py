"""Runs tests of an installed package with pytest, and writes one JSON line an event as it happens.

    python pytest_events.py EVENTS PACKAGE collect      names every test of the package
    python pytest_events.py EVENTS PACKAGE run < IDS    runs the tests whose ids are given

Events: `{"collected": id}`; `{"broken": file, "reason": text}` for a file that cannot be imported;
`{"start": id}`, then `{"end": id, "verdict": "pass" | "fail" | "skip", "reason": text}`. A test that takes
the process with it has no end: that is how the runner knows.
"""

import importlib
import importlib.util
import json
import pathlib
import sys

import pytest


def _line(text, limit=300):
    return " ".join(str(text).split())[:limit]


class ByName(pytest.Module):
    """A module that is imported by its dotted name, so that packages may be spread over folders."""

    dotted = ""

    def _getobj(self):
        try:
            return importlib.import_module(self.dotted)
        except pytest.skip.Exception as skip:
            raise pytest.Collector.CollectError(f"skipped: {skip}") from skip


class Events:
    """The pytest plugin that writes the events."""

    def __init__(self, path, package, root, wanted):
        self._file = open(path, "a", encoding="utf-8")
        self._package = package
        self._root = root
        self._wanted = wanted

    def _write(self, **event):
        self._file.write(json.dumps(event) + "\n")
        self._file.flush()

    # A fixture of numba-cuda's own conftest, which its wheel leaves out.
    @pytest.fixture(scope="class")
    def initialize_from_pytest_config(self, request):
        request.cls._dump_failed_filechecks = False

    # Folders are folders: a package's `__init__` is imported with its modules, by name.
    def pytest_collect_directory(self, path, parent):
        return pytest.Dir.from_parent(parent, path=path)

    def pytest_pycollect_makemodule(self, module_path, parent):
        relative = module_path.relative_to(self._root).with_suffix("")
        module = ByName.from_parent(parent, path=module_path)
        module.dotted = ".".join([self._package, *relative.parts])
        return module

    def pytest_collection_modifyitems(self, items):
        if self._wanted is None:
            for item in items:
                self._write(collected=item.nodeid)
        else:
            items[:] = [item for item in items if item.nodeid in self._wanted]

    def pytest_collectreport(self, report):
        if report.failed:
            self._write(broken=report.nodeid, reason=_line(str(report.longrepr)[-300:]))

    def pytest_runtest_logstart(self, nodeid):
        self._verdict, self._reason = "pass", ""
        self._write(start=nodeid)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self._verdict, self._reason = "fail", _line(crash.message if crash else report.longrepr)
        elif report.skipped and self._verdict == "pass":
            self._verdict = "skip"
            if hasattr(report, "wasxfail"):
                self._reason = "expected to fail: " + _line(report.wasxfail)
            else:
                self._reason = _line(report.longrepr[2]).removeprefix("Skipped: ")

    def pytest_runtest_logfinish(self, nodeid):
        self._write(end=nodeid, verdict=self._verdict, reason=self._reason)


def main():
    events, package, mode = sys.argv[1:]
    root = pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0])
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:warnings", "-c", "/dev/null"]
    arguments += ["--rootdir", str(root)]
    if mode == "collect":
        wanted = None
        arguments += ["--collect-only", "--continue-on-collection-errors", str(root)]
    else:
        wanted = set(sys.stdin.read().splitlines())
        arguments += sorted({str(root / identifier.split("::")[0]) for identifier in wanted})
    sys.exit(pytest.main(arguments, plugins=[Events(events, package, root, wanted)]))


if __name__ == "__main__":
    main()
