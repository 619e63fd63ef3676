#!/usr/bin/env python3
"""run.py --build DIR [--count N] [--seed S] [--only FILE:LINE] [--list]: mutation testing.

Draws N mutants (mutants.py) of src/core and src/collect by the seed, builds each in a copy of the tree, and
runs the tests of these rooms until one fails: then the mutant is killed. One that does not compile, or
compiles to the same code, is no mutant, and the next one of the draw takes its place. Survivors are listed.

DIR must have been made by `make mutation-programs`: there the library is one shared object that the programs of the
tests load, so that a mutant costs the compilation of one file.
"""
import argparse
import glob
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time

import mutants

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
ROOMS = ("src/core", "src/collect")
# Quick ones first: most mutants die there.
TESTS = """core/* collect/* control/* dump/test_roundtrip dump/test_pack dump/test_several sink/test_sink edges/test_lengths
edges/test_cut runtime/* cli/test_recover explore/* lives/test_unload lives/test_fork lives/test_signal crash/test_points
crash/test_kill faults/test_clocks faults/test_faults stress/test_restless lives/test_struck
""".split()


def candidates():
    all_of_them = []
    for room in ROOMS:
        for path in sorted(glob.glob(os.path.join(ROOT, room, "*.c"))):
            name = os.path.relpath(path, ROOT)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            all_of_them += [(name,) + m for m in mutants.find(name, text)]
    return all_of_them


class Tree:
    """The copy in which mutants are built, and the shared object that the tests load."""

    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.source = os.path.join(self.build, "source")
        self.library = os.path.join(self.build, "libmutant.so")
        self.objects = os.path.join(self.build, "mutant")
        with open(os.path.join(self.build, "compile"), encoding="utf-8") as file:
            self.compile = shlex.split(file.read())
        with open(os.path.join(self.build, "link"), encoding="utf-8") as file:
            self.link_command = file.read().split()
        shutil.rmtree(self.source, ignore_errors=True)
        os.makedirs(self.source)
        for part in ("src", "include", "tests", "docs", "examples", "gen"):
            shutil.copytree(os.path.join(ROOT, part), os.path.join(self.source, part))

    def object_of(self, name):
        return os.path.join(self.objects, name.replace("/", "-")[:-2] + ".o")

    def build_one(self, name):
        """False: it does not compile."""
        command = self.compile + ["-c", "-o", self.object_of(name), name]
        return subprocess.run(command, cwd=self.source, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    def code_of(self, name):
        stripped = self.object_of(name) + ".code"
        subprocess.run(["objcopy", "--strip-debug", self.object_of(name), stripped], check=True)
        with open(stripped, "rb") as file:
            return file.read()

    def link(self):
        objects = sorted(glob.glob(os.path.join(self.objects, "*.o")))
        subprocess.run(self.link_command + ["-o", self.library + ".new"] + objects, check=True, cwd=self.source)
        os.replace(self.library + ".new", self.library)

    def write(self, name, text):
        with open(os.path.join(self.source, name), "w", encoding="utf-8") as file:
            file.write(text)


def programs(build):
    seen = []
    for pattern in TESTS:
        for path in sorted(glob.glob(os.path.join(build, "tests", pattern))):
            if os.path.basename(path).startswith("test_") and os.access(path, os.X_OK) and "." not in os.path.basename(path):
                if path not in seen:
                    seen.append(path)
    return seen


def run_test(tree, program, limit_s):
    """Whether it passed. In namespaces of its own, so that nothing of a mutant outlives it."""
    inner = "mount -t tmpfs none /dev/shm && mount -t tmpfs none /tmp && exec timeout -s KILL %d %s -j1" % (limit_s, program)
    environment = dict(os.environ, BUILD=tree.build, SRC=tree.source, RILL_TEST_TIER="short")
    process = subprocess.Popen(["unshare", "-mpf", "--kill-child", "--mount-proc", "sh", "-c", inner],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
                               cwd=tree.source, start_new_session=True)
    try:
        return process.wait(limit_s + 10) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False


def baseline(tree, tests):
    """Seconds of each test on the code as it stands; those that fail are of no use here."""
    limits = {}
    for test in tests:
        start = time.monotonic()
        if run_test(tree, test, 300):
            limits[test] = time.monotonic() - start
        else:
            print("left out, it fails without a mutant: %s" % test, flush=True)
    return limits


def try_one(tree, mutant, tests, text):
    """"killed by X", "survived", or None: no mutant."""
    name, _, operator, start, end, new = mutant
    original = tree.code_of(name)
    tree.write(name, text[:start] + new + text[end:])
    try:
        if not tree.build_one(name):
            return None
        asked = tests
        if tree.code_of(name) == original:
            # x86-64 orders more than C11 asks for: only the explorer, which compiles the source itself, can tell.
            if operator != "order":
                return None
            asked = {test: seconds for test, seconds in tests.items() if "/explore/" in test}
        tree.link()
        for test, seconds in asked.items():
            # Twice: on a busy machine a test may fail by itself.
            if not run_test(tree, test, int(4 * seconds) + 15) and not run_test(tree, test, int(4 * seconds) + 15):
                return "killed by " + os.path.relpath(test, os.path.join(tree.build, "tests"))
        return "survived"
    finally:
        tree.write(name, text)
        tree.build_one(name)


def describe(mutant, text):
    name, line, operator, start, end, new = mutant
    old = " ".join(text[start:end].split())
    return "%s:%d %s: %s -> %s" % (name, line, operator, old, new.strip() or "nothing")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--skip", type=int, default=0, help="of the draw: to go on where an earlier run ended")
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--only", help="FILE:LINE: all mutants of this line")
    parser.add_argument("--list", action="store_true", help="of the draw, without building")
    options = parser.parse_args()
    drawn = candidates()
    total = len(drawn)
    random.Random(options.seed).shuffle(drawn)
    if options.only:
        drawn = [m for m in drawn if "%s:%d" % (m[0], m[1]) == options.only]
    texts = {}
    for mutant in drawn:
        if mutant[0] not in texts:
            with open(os.path.join(ROOT, mutant[0]), encoding="utf-8") as file:
                texts[mutant[0]] = file.read()
    if options.list:
        for mutant in drawn[:options.count]:
            print(describe(mutant, texts[mutant[0]]))
        return 0
    tree = Tree(options.build)
    tree.link()
    # Those that take less first; a test that kills one is asked first about the next.
    tests = dict(sorted(baseline(tree, programs(tree.build)).items(), key=lambda t: t[1]))
    print("%d candidates, seed %d, %d test programs, %.0f s together" %
          (total, options.seed, len(tests), sum(tests.values())), flush=True)
    results = {"killed": 0, "survived": 0, "none": 0}
    survivors = []
    for number, mutant in enumerate(drawn[options.skip:], options.skip):
        if results["killed"] + results["survived"] == options.count:
            break
        outcome = try_one(tree, mutant, tests, texts[mutant[0]])
        results[outcome.split()[0] if outcome else "none"] += 1
        print("%4d %s: %s" % (number, describe(mutant, texts[mutant[0]]), outcome or "no other code"), flush=True)
        if outcome == "survived":
            survivors.append(mutant)
    print("%d killed, %d survived, %d were no mutants" % (results["killed"], results["survived"], results["none"]))
    for mutant in survivors:
        print("survived: " + describe(mutant, texts[mutant[0]]))
    return 0 if survivors == [] or results["killed"] >= 9 * len(survivors) else 1


if __name__ == "__main__":
    sys.exit(main())
