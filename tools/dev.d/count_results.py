# SPDX-License-Identifier: Apache-2.0
"""count_results.py TESTLOG STATUS: the last line of `tools/dev test`, and its exit status.

TESTLOG is Meson's testlog.json, one object per line; STATUS is how Meson itself ended, which also
counts when it broke down after the last test.
"""
import json
import sys

OUTCOMES = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped", "IGNORED": "skipped"}


def main():
    count = {"passed": 0, "failed": 0, "skipped": 0}
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            count[OUTCOMES.get(json.loads(line)["result"], "failed")] += 1
    print(", ".join(f"{number} {outcome}" for outcome, number in count.items()), flush=True)
    sys.exit(1 if count["failed"] or sys.argv[2] != "0" or not count["passed"] else 0)


main()
