# SPDX-License-Identifier: Apache-2.0
"""Programs from Debian print the same bytes and end the same way with the agent at ten times its
usual rate, its heap at thirty times; nothing of the agent's is on standard output, and on standard error
at most warnings. ALLOCATOR in the environment: what serves them.
"""
import os
import shutil
import tempfile

import harness

SQL = """
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
  insert into t select i, 'row ' || (i * 7919 % 1000), i * 0.5 from n;
create index b on t(b);
select b, count(*), sum(c), avg(a) from t group by b order by 2 desc, 1 limit 20;
select count(*) from t x join t y on x.b = y.b where x.a < 3000 and y.a < 3000;
"""

PYTHON = """
import collections, hashlib, json, random, re, subprocess, threading, zlib
random.seed(1)
words = [''.join(random.choices('abcdef', k=3)) for _ in range(60000)]
print(collections.Counter(words).most_common(5))
results = {}
def work(n):
    results[n] = hashlib.sha256(zlib.compress(json.dumps(words[n::7]).encode())).hexdigest()
threads = [threading.Thread(target=work, args=(n,)) for n in range(7)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sorted(results.items()))
print(subprocess.run(['sh', '-c', 'echo child; exit 3'], stdout=subprocess.PIPE))
print(len(re.findall('a+b', ''.join(words))))
try:
    raise ValueError('caught')
except ValueError as error:
    print(error)
"""

PERL = r"""
my %count; srand(1);
$count{ ($_ * 7919) % 997 }++ for 1 .. 300000;
print "$_ $count{$_}\n" for (sort { $count{$b} <=> $count{$a} || $a <=> $b } keys %count)[0 .. 9];
my $text = join ' ', map { $_ * 31 % 1009 } 1 .. 60000; my $n = () = $text =~ /\b1\d+ 2/g; print "$n\n";
if (my $pid = fork) { waitpid $pid, 0; print "child ", $? >> 8, "\n" } else { exit 5 }
$SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; 1 while 1 }; print $@;
"""

SHELL = r"""
set -o pipefail
for i in $(seq 300); do echo "$i $((i * i % 97))"; done | sort -k2n -k1n | tail -5
( cd / && pwd; exit 4 ); echo "subshell $?"
x=$(printf '%s\n' {1..2000} | grep 7 | wc -l); echo "$x"
trap 'echo trapped' USR1; kill -USR1 $$; wait
while read -r a b; do s=$((s + ${#a})); done < <(head -2000 big.txt); echo "$s"
sleep 0.05 & wait $!; echo "waited $?"
false | true; echo "pipe $?"
cat <<END | tr a-z A-Z
here document
END
ulimit -n; umask; echo "${BASH_VERSION%%.*}"; jobs; exec 5>&1; echo five >&5
nosuchcommand; echo "$?"
"""

CPLUSPLUS = """
#include <algorithm>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>
template <int N> struct Sum { static constexpr int value = N + Sum<N - 1>::value; };
template <> struct Sum<0> { static constexpr int value = 0; };
int main() {
  std::map<std::string, std::vector<int>> m;
  for (int i = 0; i < Sum<400>::value % 100; ++i) m[std::to_string(i % 7)].push_back(i);
  std::regex r("a(b|c)+d");
  std::cout << m.size() << std::regex_match("abcbd", r) << '\\n';
}
"""

# Each is given to bash, in a directory that holds big.txt and tree/.
PROGRAMS = {
    # What it says on standard error has times and process ids in it.
    "chromium": "chromium --headless --no-sandbox --disable-gpu --disable-background-networking "
                "--disable-component-update --disable-sync --user-data-dir=$PWD/browser "
                "--virtual-time-budget=3000 --dump-dom file://$PWD/page.html 2>messages",
    "ls": "ls -lR --time-style=full-iso /usr/include",
    "sort": "sort -k2,2 -k1,1r --parallel=2 -S 8M big.txt | sha256sum; sort -c big.txt",
    "gzip": "gzip -9nc big.txt | tee packed | sha256sum; gzip -dc packed | cmp - big.txt",
    "xz": "xz -T2 -2 --block-size=200KiB -c big.txt | tee packed | sha256sum; "
          "xz -dc packed | cmp - big.txt; xz -l packed",
    "bzip2": "bzip2 -c big.txt | sha256sum; bzip2 -t big.txt",
    "sqlite3": "sqlite3 :memory: < script.sql; sqlite3 file.db 'pragma journal_mode=wal' "
               "'create table t(x)' 'insert into t values(1)' 'select * from t'",
    "python3": "/usr/bin/python3 script.py",
    "perl": "perl script.pl",
    "awk": "awk '{ c[$2] += $1; n += length($3) } END { for (k in c) print k, c[k] | \"sort\"; "
           "close(\"sort\"); print n; exit 3 }' big.txt",
    "git": "cp -r repo clone && cd clone && git log --stat --format='%s %an' | sha256sum; "
           "git grep -c -e 'row 1' | sort | tail -3; git -c gc.auto=0 fsck; git diff HEAD~1 | wc -l; "
           "git show nothing",
    "bash": "bash script.sh",
    "g++": "g++ -O2 -c -o out.o program.cc && nm -C out.o | wc -l; g++ -fsyntax-only broken.cc",
    "openssl": "openssl dgst -sha512 big.txt; openssl enc -aes-256-cbc -pbkdf2 -S 0011223344556677 "
               "-k secret -in big.txt | sha256sum; openssl nothing",
    "tar": "tar --sort=name --mtime=@0 --owner=0 --group=0 -czf - tree | tar -tvzf -; tar -xf nothing",
    "sed": "sed -E 's/([0-9]+) (row)/\\2 \\1/; /7$/d; $=' big.txt | sha256sum; sed 'unknown' big.txt",
    "find": "find /usr/share/doc -name '*a*' -type f | sort | sha256sum; "
            "find tree -type f -exec sha256sum {} + | sort; find nowhere",
    "grep": "grep -cE '(a|b)*7+' big.txt; grep -P '(?<=row )9{2}\\b' big.txt | tail -3; grep x nowhere",
    "make": "make -s -j4 -f makefile all; make -s -f makefile fails",
}

PAGE = """<!doctype html><title>page</title><ol id="list"></ol><script>
let sum = 0;
for (let i = 0; i < 5e6; ++i) sum += Math.sqrt(i);
for (let i = 0; i < 200; ++i) list.append(Object.assign(document.createElement('li'),
                                                        { textContent: `${i} ${sum}` }));
const worker = new Worker(URL.createObjectURL(new Blob(['postMessage(6 * 7)'])));
worker.onmessage = message => { document.title = `answer ${message.data}`; };
</script>
"""

MAKEFILE = """
all: 1 2 3 4
\t@cat out.1 out.2 out.3 out.4
%:
\t@sort -k$@ big.txt | sha256sum > out.$@
fails:
\t@exit 2
"""


def prepare(directory):
    def write(name, text):
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    write("big.txt", "".join(f"{i * 7919 % 100003} row {i % 1013} {'x' * (i % 17)}\n"
                             for i in range(60000)))
    for i in range(40):
        write(f"tree/{i % 5}/file{i}", f"{i}\n" * (i * 50))
    for name, text in (("script.sql", SQL), ("script.py", PYTHON), ("script.pl", PERL),
                       ("script.sh", SHELL), ("page.html", PAGE), ("program.cc", CPLUSPLUS), ("makefile", MAKEFILE),
                       ("broken.cc", "int main() { return undeclared; }\n")):
        write(name, text)
    shell = ("git init -q repo && cd repo && git config user.name t && git config user.email t@t && "
             "for i in 1 2 3 4 5 6; do seq -f 'row %g' $((i * 300)) > f$i; git add .; "
             "git commit -qm \"change $i\" --date=@$i; done")
    result = harness.run(["bash", "-c", shell], preload=False, cwd=directory)
    assert result.returncode == 0, result.stderr


def in_copy(source, scratch, command, preload):
    """Both runs are at the same path, one after the other: some programs print it."""
    directory = os.path.join(scratch, "work")
    shutil.copytree(source, directory, symlinks=True)
    profiles = os.path.join(scratch, "profiles")
    os.makedirs(profiles, exist_ok=True)
    try:
        return harness.run(["bash", "-c", command], preload=preload, cwd=directory,
                           OTPROF_CPU_HZ="1000", OTPROF_HEAP_INTERVAL="16KiB",
                           OTPROF_ALLOCATOR=os.environ.get("ALLOCATOR", "system"),
                           OTPROF_EXPORTERS="pprof", OTPROF_PPROF_DIR=profiles,
                           OTPROF_EXPORT_INTERVAL="200ms", GIT_COMMITTER_DATE="@7 +0000")
    finally:
        shutil.rmtree(directory)


def compare(source, name, command, scratch):
    alone = in_copy(source, scratch, command, preload=False)
    profiled = in_copy(source, scratch, command, preload=True)
    lines = profiled.stderr.splitlines(keepends=True)
    own = [line for line in lines if line.startswith(b"otprof:")]
    assert profiled.stdout == alone.stdout, f"{name}: {alone.stdout[-500:]} {profiled.stdout[-500:]}"
    assert profiled.returncode == alone.returncode, f"{name}: {alone} {profiled}"
    rest = b"".join(line for line in lines if line not in own)
    assert rest == alone.stderr, f"{name}: {alone.stderr[-500:]} {rest[-500:]}"
    assert all(line.startswith(b"otprof: warning:") for line in own), own
    assert alone.stdout, f"{name} printed nothing to compare"
    # Of either kind: some use the CPU for less than a tick of the kernel's clock.
    assert os.listdir(os.path.join(scratch, "profiles")), f"{name} was not profiled"


def make_test(name, command):
    def test(scratch):
        if shutil.which(name, path=harness.PATH) is None:
            raise harness.Skip(f"{name} is not installed")
        compare(source, name, command, scratch)
    return test


source = tempfile.mkdtemp(prefix="otprof-outputs-")
try:
    prepare(source)
    harness.main({f"test_{name}": make_test(name, command) for name, command in PROGRAMS.items()})
finally:
    shutil.rmtree(source)
