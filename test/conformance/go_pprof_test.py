#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`go tool pprof` reads our files, and with --go the checker notices what it does not read.
usage: go_pprof_test.py DIRECTORY-OF-write_sample_profiles"""

import gzip
import os
import shutil
import sys

import messages
import mutations
import pprof_rules


def main():
    if shutil.which('go') is None:
        print('SKIP: there is no go command')
        return 77
    options = pprof_rules.Options(go=True)
    tally = mutations.Tally({35})
    for name in ('cpu.pb.gz', 'heap.pb.gz'):
        with open(os.path.join(sys.argv[1], name), 'rb') as file:
            data = file.read()
        tally.expect(name, pprof_rules.check(data, options), [])
    complaint = pprof_rules.go_complaint(gzip.compress(b'not a profile'))
    tally.expect('not a profile',
                 [pprof_rules.Violation(35, complaint)] if complaint else [], [35])
    profile = messages.pprof.Profile.FromString(gzip.decompress(data))
    profile.string_table[0] = 'zero'
    complaints = [v for v in pprof_rules.check(gzip.compress(profile.SerializeToString()), options)
                  if v.text.startswith('go tool pprof')]
    tally.expect('string 0 not empty', complaints, [35])
    return tally.finish()


if __name__ == '__main__':
    sys.exit(main())
