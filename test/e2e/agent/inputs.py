# SPDX-License-Identifier: Apache-2.0
"""Real programs whose profiles every receiver has to take: what they are, how they are run under the
agent, and what must hold for each. For test_conformance.py here and for test/interop.

Environment: INPUTS_PROGRAM (inputs.c), INPUTS_PLUGIN (inputs_plugin.c), and harness.py's.
"""
import os
import shutil
import subprocess

import agree
import harness
import otlp_rules
import pprof_rules
import samples

PROGRAM, PLUGIN = os.environ['INPUTS_PROGRAM'], os.environ['INPUTS_PLUGIN']
LIBRARIES = 120  # every other one is unloaded again

PYTHON = """
import json, random, re, threading, zlib
random.seed(1)
words = [''.join(random.choices('abcdef', k=4)) for _ in range(80000)]
kept = []
def work():
    for _ in range(6):
        kept.append(json.loads(json.dumps(words)))
        zlib.compress(''.join(words).encode())
        re.findall('a+b', ''.join(words))
threads = [threading.Thread(target=work, name='worker') for _ in range(3)]
[t.start() for t in threads]; [t.join() for t in threads]
print(len(kept))
"""
SQL = """
create table t(a integer primary key, b text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000)
  insert into t select i, 'row ' || (i * 7919 % 1000) from n;
create index b on t(b);
select count(*) from t x join t y on x.b = y.b where x.a < 20000 and y.a < 5000;
"""

CPU = {'OTPROF_CPU_HZ': '500', 'OTPROF_HEAP': 'false'}
HEAP = {'OTPROF_CPU': 'false', 'OTPROF_HEAP_INTERVAL': '16KiB'}
# NAME: (command, standard input, variables). {copies}: that many copies of the plugin;
# {bare copy}: one that has no build id.
INPUTS = {
    'cpu of python3': (['/usr/bin/python3', '-c', PYTHON], '', CPU),
    'cpu of sqlite3': (['sqlite3', ':memory:'], SQL, {**CPU, 'OTPROF_TIMESTAMPS': 'false'}),
    'heap of python3': (['/usr/bin/python3', '-c', PYTHON], '', HEAP),
    'heap of sqlite3': (['sqlite3', ':memory:'], SQL, {**HEAP, 'OTPROF_HEAP_LIVE': 'false'}),
    'both, no trace': (['xz', '-9', '--threads=2', '-c', os.path.realpath('/usr/bin/python3')], '',
                       {'OTPROF_CPU_HZ': '500', 'OTPROF_HEAP_INTERVAL': '64KiB'}),
    'traces': ([PROGRAM, 'traced'], '', {'OTPROF_CPU_HZ': '500', 'OTPROF_HEAP_INTERVAL': '16KiB'}),
    'many libraries': ([PROGRAM, 'libraries', '{copies}'], '', CPU),
    'a deleted library without build id': ([PROGRAM, 'gone', '{bare copy}'], '', CPU),
    'an SDK in the process': ([PROGRAM, 'published'], '', CPU),
    'stacks deeper than 128': ([PROGRAM, 'deep', '300'], '',
                               {**CPU, 'OTPROF_MAX_STACK_DEPTH': '128'}),
    'no symbols, pprof attached': (['/usr/bin/python3', '-c', PYTHON], '',
                                   {'OTPROF_CPU_HZ': '500', 'OTPROF_SYMBOLIZE': 'none',
                                    'OTPROF_ORIGINAL_PAYLOAD': 'true',
                                    'OTEL_EXPORTER_OTLP_COMPRESSION': 'none'}),
    'lines of inlined functions': ([os.environ['INLINED']], '',
                                   {'OTPROF_CPU_HZ': '500', 'OTPROF_HEAP_INTERVAL': '16KiB',
                                    'OTPROF_SYMBOLIZE': 'lines'}),
    'split by samples': ([PROGRAM, 'stacks', '20000'], '',
                         {'OTPROF_CPU': 'false', 'OTPROF_HEAP_INTERVAL': '1',
                          'OTPROF_MAX_MEMORY': '200MiB'}),  # else the window would end early
}


def copies_of_plugin(directory):
    """Every copy a file of its own; the build id is the same, the address is not."""
    paths = [os.path.join(directory, f'library{i}.so') for i in range(LIBRARIES)]
    for path in paths:
        shutil.copy(PLUGIN, path)
    return paths


def profile(name, url, directory, **variables):
    """Runs one input with the agent sending to `url`."""
    command, text, own = INPUTS[name]
    if '{copies}' in command:
        at = command.index('{copies}')
        command = command[:at] + copies_of_plugin(directory) + command[at + 1:]
    if '{bare copy}' in command:
        path = os.path.join(directory, 'bare.so')
        subprocess.run(['objcopy', '--remove-section=.note.gnu.build-id', PLUGIN, path], check=True)
        command = [path if word == '{bare copy}' else word for word in command]
    result = harness.run(command, stdin=text.encode(), OTEL_EXPORTER_OTLP_ENDPOINT=url,
                         OTPROF_EXIT_TIMEOUT='30s', OTEL_SERVICE_NAME=f'interop {name}',
                         OTEL_RESOURCE_ATTRIBUTES='service.version=1.2%2C3,team=bl%C3%BCe',
                         **{**own, **variables})
    assert result.returncode == 0 and result.stdout, (name, result)
    assert result.stderr == b'', (name, result.stderr)


def check_features(name, bodies):
    """That the input is what its name says, or its test shows nothing."""
    readers = [samples.Reader(samples.parse(body)) for body in bodies]
    profiles = [(reader, p) for reader in readers for _, _, p in reader.profiles()]
    for reader in readers:
        for attributes, _, _ in reader.profiles():
            service = 'published shop' if 'SDK' in name else f'interop {name}'
            for key, value in (('service.name', service), ('service.version', '1.2,3'),
                               ('team', 'blüe'), ('telemetry.sdk.name', 'libotprof')):
                assert attributes[key] == ('string_value', value), (key, attributes)
            if 'SDK' in name:
                assert attributes['service.instance.id'][1] == 'published instance', attributes
    kinds = {reader.type_pair(p.sample_type)[0] for reader, p in profiles}
    assert ('samples' in kinds) == ('heap' not in name and 'split' not in name), kinds
    if 'heap of python3' in name or 'both' in name:
        assert kinds >= {'alloc_objects', 'alloc_space', 'inuse_objects', 'inuse_space'}, kinds
    stacks = [stack for reader in readers for stack in reader.stacks]
    links = {link for reader in readers for link in reader.links}
    deepest = max(len(stack) for stack in stacks)
    if 'deeper' in name:
        assert deepest == 128, deepest
    if 'traces' in name:
        assert links == {(b'', b''), (b'\xa1' * 16, b'\xb1' * 8), (b'\xa2' * 16, b'\xb2' * 8)}, links
        in_spans = {k for reader, p in profiles for s in p.samples if s.link_index
                    for k in [reader.type_pair(p.sample_type)[0]]}
        assert 'samples' in in_spans and 'alloc_space' in in_spans, in_spans
    else:
        assert links == {(b'', b'')}, links
    if 'libraries' in name:
        files = {os.path.basename(mapping[3]) for reader in readers for mapping in reader.mappings}
        # Of those that were unloaded again some were gone before the agent looked.
        missing = {f'library{i}.so' for i in range(1, LIBRARIES, 2)} - files
        assert not missing, missing
    if 'without build id' in name:
        bare, = (mapping for reader in readers for mapping in reader.mappings
                 if mapping[3].endswith('/bare.so'))
        assert [key for key, _, _ in bare[4]] == [otlp_rules.BUILD_ID_HTL], bare
    if 'attached' in name:
        assert all(p.original_payload_format == 'pprof' or p.original_payload == b''
                   for _, p in profiles)
        assert any(p.original_payload for _, p in profiles)
    if 'split' in name:
        assert len(bodies) > 1 and len(stacks) > 16000, (len(bodies), len(stacks))
    return f'{len(bodies)} requests, {len(profiles)} profiles, deepest stack {deepest}'


def check_sizes(body):
    """What receivers take by default: the Collector 20 MiB a request; Pyroscope 4 MiB, with all that it
    refers to, and 16,000 samples a profile."""
    request = samples.parse(body)
    assert len(body) <= 16 << 20, len(body)
    for _, _, profile_message in samples.Reader(request).profiles():
        size = profile_message.ByteSize() + request.dictionary.ByteSize()
        assert size <= 4 << 20 and len(profile_message.samples) <= 16000, size


RECORDED = {}


def recorded(name, directory):
    """(request bodies, pprof files) of an input, run once for all tests that only read them."""
    if name not in RECORDED:
        with harness.Receiver() as receiver:
            profile(name, receiver.url, directory, OTPROF_EXPORTERS='otlp,pprof',
                    OTPROF_PPROF_DIR=directory)
        bodies = [body for _, _, body in receiver.requests]
        files = []
        for kind in ('cpu', 'heap'):
            for path in harness.pprof_files(directory, kind):
                with open(path, 'rb') as file:
                    files.append((kind, file.read()))
        check_features(name, bodies)
        assert bodies and files
        RECORDED[name] = bodies, files
    return RECORDED[name]


def make_rules_test(name, go):
    """`go`: let `go tool pprof` read the files, too."""
    def test(directory):
        bodies, files = recorded(name, directory)
        options = otlp_rules.Options(files=True)
        for body in bodies:
            violations = otlp_rules.check(body, options)
            assert not violations, violations[:10]
            check_sizes(body)
        for kind, data in files:
            violations = pprof_rules.check(data, pprof_rules.Options(
                go=go, files=True, live=INPUTS[name][2].get('OTPROF_HEAP_LIVE') != 'false'))
            assert not violations, (kind, violations[:10])
            differences = agree.check(bodies, data)
            assert not differences, (kind, differences[:10])
    return test
