"""Runs the test functions of one Python suite and sums up: the part that the suites share.

A suite registers functions with `test`, each of which compares with NumPy and raises on a difference.
`main` runs those whose name contains the given text (all, when none is given), prints one line for
each and `N passed, N failed`, and exits with 1 when one failed.
"""

import sys
import traceback

_TESTS = []


def test(function):
    """Registers a test under the name of the function."""
    _TESTS.append(function)
    return function


def main():
    selected = [t for t in _TESTS if all(part in t.__name__ for part in sys.argv[1:])]
    failed = 0
    for function in selected:
        try:
            function()
            print(f"ok      {function.__name__}", flush=True)
        except Exception as error:
            failed += 1
            reason = " ".join(str(error).split()) or type(error).__name__
            print(f"FAILED  {function.__name__}: {type(error).__name__}: {reason[:300]}", flush=True)
            traceback.print_exc(file=sys.stderr)
    print(f"{len(selected) - failed} passed, {failed} failed")
    sys.exit(1 if failed or not selected else 0)
