# SPDX-License-Identifier: Apache-2.0
"""count_results.py TESTLOG [AGAIN] STATUS: the last line of `tools/dev test`, and its exit status.
count_results.py --failed TESTLOG: names of the tests that failed, a line each; none if there are
too many for chance.

TESTLOG and AGAIN are Meson's testlog.json, one object per line, the second of those that failed and
were run once more; STATUS is how Meson itself ended at last, which also counts when it broke down
after the last test.
"""
import json
import sys

OUTCOMES = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped", "IGNORED": "skipped"}
MOST_UNSTEADY = 12


def outcomes(path):
    with open(path, encoding="utf-8") as log:
        tests = [json.loads(line) for line in log]
    # Meson puts the suites in front: "project:unit / unit/agent".
    return {test["name"].split(" / ")[-1]: OUTCOMES.get(test["result"], "failed")
            for test in tests}


def main():
    *logs, status = sys.argv[1:]
    if logs == ["--failed"]:
        failed = [name for name, outcome in outcomes(status).items() if outcome == "failed"]
        for name in failed if len(failed) <= MOST_UNSTEADY else []:
            print(name)
        return
    first, again = outcomes(logs[0]), outcomes(logs[-1])
    unsteady = [name for name in again if first[name] == "failed" and again[name] == "passed"]
    for name in unsteady:
        print(f"dev: unsteady: {name} failed beside others and passed by itself", flush=True)
    ended = list((first | again).values())
    count = {outcome: ended.count(outcome) for outcome in ("passed", "failed", "skipped")}
    print(", ".join(f"{number} {outcome}" for outcome, number in count.items()), flush=True)
    sys.exit(1 if count["failed"] or status != "0" or not count["passed"] else 0)


main()
