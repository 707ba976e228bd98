# SPDX-License-Identifier: GPL-2.0
"""KTAP from Python, as lib.sh prints it from bash.

    with ktap.test("title"):
        assert ...
    ktap.done()

or, with each test a function, @ktap.case("title") and at the end ktap.run_cases(). A test that
raises has failed; the ones after it still run.
"""

import contextlib
import sys
import traceback

results = []
cases = []


class Skip(Exception):
    """What the test needs is not here."""


def say(text):
    """A diagnostic line."""
    for line in str(text).splitlines():
        print("#", line, flush=True)


def start():
    print("KTAP version 1", flush=True)


def result(passed, title, note=""):
    results.append(passed)
    print("ok" if passed else "not ok", len(results), "-", title + note, flush=True)


@contextlib.contextmanager
def test(title):
    try:
        yield
    except Skip as reason:
        result(True, title, f" # SKIP {reason}")
    except AssertionError as error:
        place = [frame for frame in traceback.extract_tb(error.__traceback__)
                 if not frame.filename.endswith("ktap.py")]
        say(f"line {', '.join(str(frame.lineno) for frame in place)}: {error}")
        result(False, title)
    except Exception:  # pylint: disable=broad-except
        say(traceback.format_exc())
        result(False, title)
    else:
        result(True, title)


def case(title):
    """Register a function as a test."""
    def register(function):
        cases.append((title, function))
        return function
    return register


def run_cases(before=lambda: None):
    """All that are registered, in order, each after before(); and done()."""
    start()
    for title, function in cases:
        before()
        with test(title):
            function()
    done()


def equal(got, wanted, what=""):
    """An assertion that shows both sides."""
    assert got == wanted, f"{what}: got {got!r}, wanted {wanted!r}"


def done():
    """Print the plan and exit: 1 if anything failed or nothing ran."""
    print(f"1..{len(results)}", flush=True)
    sys.exit(0 if results and all(results) else 1)
