#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Turns agent/options.def, the one table of options, into what others need of it.

  options_table.py --markdown agent/options.def          docs/configuration.md
  options_table.py --header agent/options.def            rows for `otprof options`
  options_table.py --check agent/options.def FILE        exit 1 unless FILE is that page
"""
import re
import sys

PAGE_HEAD = """# Configuration

Everything is set by environment variables, read once when the program starts. An empty value counts
as unset. A wrong value gives one warning, which names the variable, the value, what is accepted and
what is used instead, and the program runs on.
An `OTPROF_` variable that is not listed here gives one, too: it may be spelled wrong.

This page is made from `agent/options.def` by `tools/options_table.py`.

| variable | default | accepted | meaning |
|---|---|---|---|
"""


def read_rows(path):
    """(variable, default, accepted, help) of each OTPROF_OPTION."""
    with open(path, encoding="utf-8") as file:
        text = "".join(line for line in file if not line.startswith("//"))
    rows = []
    for body in re.findall(r"OTPROF_OPTION\((.*?)\)\n(?=OTPROF_OPTION|\Z|\n)", text, re.S):
        strings = re.findall(r'"((?:[^"\\]|\\.)*)"(\s*,)?', body)
        parts = [""]
        for string, comma in strings:  # neighbours without a comma are one string, as in C++
            parts[-1] += string
            if comma:
                parts.append("")
        if len(parts) != 4:
            sys.exit(f"{path}: an option has {len(parts)} strings instead of 4: {body!r}")
        rows.append(tuple(parts))
    if len(rows) != text.count("OTPROF_OPTION("):
        sys.exit(f"{path}: {text.count('OTPROF_OPTION(')} options, but {len(rows)} understood")
    return rows


def markdown(rows):
    def cell(text):
        return text.replace("|", "\\|").replace("<", "&lt;")

    def code(text):
        return f"`{cell(text)}`" if text else "(none)"

    lines = [f"| {variable} | {code(default)} | {cell(accepted)} | {cell(text)} |"
             for variable, default, accepted, text in rows]
    return PAGE_HEAD + "\n".join(lines) + "\n"


def header(rows):
    return "".join(f'{{"{variable}", "{default}", "{accepted}", "{text}"}},\n'
                   for variable, default, accepted, text in rows)


def main():
    mode, path = sys.argv[1], sys.argv[2]
    rows = read_rows(path)
    if mode == "--markdown":
        sys.stdout.write(markdown(rows))
    elif mode == "--header":
        sys.stdout.write(header(rows))
    elif mode == "--check":
        with open(sys.argv[3], encoding="utf-8") as file:
            if file.read() != markdown(rows):
                sys.exit(f"{sys.argv[3]} is not what {path} says; "
                         "run tools/options_table.py --markdown")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
