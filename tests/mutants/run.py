#!/usr/bin/env python3
"""Seeds one bug after the other into a copy of the code, and shows which tests catch it.

    tests/mutants/run.py              all of them
    tests/mutants/run.py NAME ...     some of them, by the name of their patch
    tests/mutants/run.py --list       what there is

Each tests/mutants/NAME.patch is one bug: a sentence that says what it does, the promise of the design that it breaks, and the
arguments of the `cargo test` that has to notice. Ends with 1 if a bug is not noticed, or if the code fails without any.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / "target" / "mutants"
# A bug may make a test wait for ever: that, too, is noticed.
PATIENCE_SECONDS = 900


@dataclass(frozen=True)
class Mutant:
    name: str
    says: str
    promise: str
    tests: str
    patch: Path


@dataclass(frozen=True)
class Outcome:
    caught: bool
    by: str
    seconds: float


def read(patch: Path) -> Mutant:
    says, promise, tests, *_ = patch.read_text().splitlines()
    return Mutant(patch.stem, says, promise.removeprefix("Promise: "), tests.removeprefix("Tests: "), patch)


def copy_tree() -> None:
    """The code as it is, uncommitted changes included; what did not change keeps its time, so that little is built anew."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    names = {name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()}
    TREE.mkdir(parents=True, exist_ok=True)
    for old in [path for path in TREE.rglob("*") if path.is_file() and not path.is_symlink()]:
        if str(old.relative_to(TREE)) not in names:
            old.unlink()
    for name in names:
        source, copy = ROOT / name, TREE / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            shutil.copyfile(source, copy)
            shutil.copymode(source, copy)
    tools = TREE / ".cache"
    if not tools.is_symlink():
        tools.symlink_to(ROOT / ".cache")


def patch(mutant: Mutant, *options: str) -> None:
    # The copy lies in a directory that git ignores: as if there were no repository around it.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(TREE.parent)}
    subprocess.run(["git", "apply", *options, str(mutant.patch)], cwd=TREE, env=environment, check=True)


def cargo_test(arguments: str) -> tuple[str, bool]:
    """What the tests say, and whether they came to an end."""
    command = [os.environ.get("CARGO", "cargo"), "test", "--locked", "--no-fail-fast", *arguments.split()]
    # Built dozens of times and run once each: not worth optimizing.
    environment = os.environ | {
        "CARGO_TARGET_DIR": str(ROOT / "target"),
        "CARGO_PROFILE_DEV_OPT_LEVEL": "0",
        "RUST_BACKTRACE": "0",
    }
    with subprocess.Popen(
        command, cwd=TREE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as running:
        try:
            return running.communicate(timeout=PATIENCE_SECONDS)[0], True
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            return running.communicate()[0], False


def judge(arguments: str) -> Outcome:
    begun = time.monotonic()
    said, ended = cargo_test(arguments)
    took = time.monotonic() - begun
    if "could not compile" in said or "test result:" not in said and ended:
        sys.exit(f"failed to build or to start the tests:\n{said[-4000:]}")
    failed = sorted(set(re.findall(r"^test (\S+) \.\.\. FAILED$", said, re.M)))
    if not ended:
        return Outcome(True, "a test that does not end", took)
    if not failed:
        return Outcome(False, "", took)
    more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return Outcome(True, failed[0] + more, took)


def main() -> int:
    patches = sorted(Path(__file__).parent.glob("*.patch"))
    mutants = [read(patch) for patch in patches]
    wanted = sys.argv[1:]
    if wanted == ["--list"]:
        for mutant in mutants:
            print(f"{mutant.name:32} {mutant.promise:4} {mutant.says}")
        return 0
    if unknown := set(wanted) - {mutant.name for mutant in mutants}:
        sys.exit(f"failed to find {', '.join(sorted(unknown))}: see tests/mutants/run.py --list")
    mutants = [mutant for mutant in mutants if not wanted or mutant.name in wanted]
    copy_tree()
    for arguments in sorted({mutant.tests for mutant in mutants}):
        print(f"without a bug: cargo test {arguments}", flush=True)
        if (sound := judge(arguments)).caught:
            sys.exit(f"failed without a bug: {sound.by}; mend that first")
    missed = []
    for number, mutant in enumerate(mutants, 1):
        patch(mutant)
        try:
            outcome = judge(mutant.tests)
        finally:
            patch(mutant, "--reverse")
        verdict = f"caught by {outcome.by}" if outcome.caught else "NOT CAUGHT"
        print(f"[{number}/{len(mutants)}] {mutant.promise:4} {mutant.name}: {verdict} ({outcome.seconds:.0f} s)", flush=True)
        if not outcome.caught:
            missed.append(mutant)
    print(f"{len(mutants) - len(missed)} of {len(mutants)} seeded bugs caught")
    for mutant in missed:
        print(f"not caught: {mutant.name}: {mutant.says}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
