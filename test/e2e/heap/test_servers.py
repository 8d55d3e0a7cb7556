# SPDX-License-Identifier: Apache-2.0
"""test_servers.py [TEST...]

Servers answer the same bytes and end the same way with their heap profiled at 16 KiB, whatever their
memory comes from, and leave heap profiles: redis-server, nginx and postgres under load, on the loopback alone.
"""
import concurrent.futures
import hashlib
import http.client
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time

import heap_harness as harness

# Debian's redis-tools has the server under another name; what it is called decides what it is.
REDIS_PROGRAMS = ("/usr/bin/redis-server", "/usr/bin/redis-check-rdb")
# Where `tools/dev setup` unpacks what is not installed.
UNPACKED = os.environ["UNPACKED_SERVERS"]
POSTGRES_DIRECTORIES = (f"{UNPACKED}/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin",
                        "/usr/lib/postgresql/17/bin", "/usr/local/bin", "/usr/bin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command, directory, allocator, user=None):
    profiles = os.path.join(directory, "profiles")
    os.makedirs(profiles, exist_ok=True)
    os.chmod(profiles, 0o777)
    variables = harness.environment(
        allocator is not None, OTPROF_ALLOCATOR=allocator or "system",
        OTPROF_HEAP_INTERVAL="16KiB", OTPROF_EXPORT_INTERVAL="500ms",
        OTPROF_EXPORTERS="pprof", OTPROF_PPROF_DIR=profiles,
        OTPROF_LOG_FILE=os.path.join(profiles, "log"))
    return subprocess.Popen(command, env=variables, cwd=directory, user=user,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def wait_for(port, server):
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert server.poll() is None, server.stdout.read()
            time.sleep(0.05)
    raise AssertionError("the server does not listen")


def end(server, how):
    server.send_signal(how)
    try:
        server.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        server.kill()
        raise
    return server.returncode


def compare(directory, serve, has_allocator=False):
    """serve(directory, allocator) -> what was answered, and how the server ended; without an allocator it is
    not profiled. `has_allocator`: it has one that it keeps, and the agent says so."""
    answers = []
    for allocator in (None, "system", "jemalloc"):
        place = os.path.join(directory, allocator or "alone")
        os.mkdir(place)
        os.chmod(place, 0o777)
        answers.append(serve(place, allocator))
        assert answers[0] == answers[-1], answers
        profiles = os.path.join(place, "profiles")
        assert allocator is None or harness.pprof_files(profiles, "heap"), os.listdir(profiles)
        log = os.path.join(profiles, "log")
        lines = []
        if os.path.exists(log):
            with open(log, encoding="utf-8") as file:
                lines = file.readlines()
        wanted = ["an allocator of its own"] if has_allocator and allocator == "jemalloc" else []
        assert len(lines) == len(wanted) and all(w in l for w, l in zip(wanted, lines)), lines


def redis_commands():
    """Inline commands with answers that depend on all that went before."""
    for i in range(4000):
        yield f"SET key:{i % 700} {'v' * (i * 37 % 900)}{i}"
        yield f"APPEND key:{i % 131} {i}"
        yield f"RPUSH list:{i % 17} {i} {i * 3} {'x' * (i % 90)}"
        yield f"ZADD sorted {i * 7919 % 1009} member:{i % 300}"
        yield f"HSET hash:{i % 50} field:{i} {i}"
        if i % 3 == 0:
            yield f"DEL key:{i * 11 % 700}"
        yield f"LPOP list:{i % 17}"
    yield "DBSIZE"
    yield "ZRANGE sorted 0 -1 WITHSCORES"
    yield "SORT list:3 ALPHA LIMIT 0 40"
    yield "EVAL \"local t={} for i=1,2000 do t[i]=i*i end return #t\" 0"
    yield "BGSAVE"
    yield "QUIT"


def test_redis(directory):
    program = next(filter(os.path.exists, REDIS_PROGRAMS), None)
    if program is None:
        raise harness.Skip("redis is not installed")

    def serve(place, allocator):
        shutil.copy(program, os.path.join(place, "redis-server"))
        port = free_port()
        server = start([os.path.join(place, "redis-server"), "--port", str(port), "--bind",
                        "127.0.0.1", "--save", ""], place, allocator)
        wait_for(port, server)
        digest = hashlib.sha256()
        with socket.create_connection(("127.0.0.1", port)) as connection, \
                concurrent.futures.ThreadPoolExecutor(1) as executor:
            # Answers are read while commands are still being sent, or both sides wait for ever.
            sending = executor.submit(connection.sendall,
                                      "".join(f"{c}\r\n" for c in redis_commands()).encode())
            while data := connection.recv(1 << 16):
                digest.update(data)
            sending.result()
        if shutil.which("redis-benchmark"):
            subprocess.run(["redis-benchmark", "-p", str(port), "-q", "-n", "5000", "-c", "20", "-t",
                            "set,get,lpush,lpop,sadd,hset,mset"], check=True,
                           stdout=subprocess.DEVNULL, timeout=120)
        return digest.hexdigest(), end(server, signal.SIGTERM)

    has_allocator = b"libjemalloc" in subprocess.run(["ldd", program], stdout=subprocess.PIPE,
                                                     check=False).stdout
    compare(directory, serve, has_allocator)


NGINX = """
daemon off; worker_processes 2; error_log stderr crit; pid nginx.pid;
events {{ worker_connections 256; }}
http {{
  access_log off; gzip on; gzip_min_length 100; gzip_types text/plain; server_tokens off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; etag off; if_modified_since off;
    location /proxied/ {{ proxy_pass http://127.0.0.1:{port}/; }} }}
}}
"""


def test_nginx(directory):
    program = shutil.which("nginx", path=f"{UNPACKED}/usr/sbin:/usr/sbin:/usr/local/sbin:{harness.PATH}")
    if program is None:
        raise harness.Skip("nginx is not installed")

    def serve(place, allocator):
        port = free_port()
        for i in range(20):
            with open(os.path.join(place, f"page{i}.txt"), "w", encoding="utf-8") as page:
                page.write(f"line of page {i}\n" * (i * i * 40))
            os.utime(page.name, (0, 0))
        with open(os.path.join(place, "nginx.conf"), "w", encoding="utf-8") as conf:
            conf.write("user root;\n" if os.getuid() == 0 else "")
            conf.write(NGINX.format(port=port, root=place))
        server = start([program, "-p", place, "-c", "nginx.conf"], place, allocator)
        wait_for(port, server)

        def client(number):
            digest = hashlib.sha256()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            for i in range(150):
                path = f"/{'proxied/' if i % 5 == 0 else ''}page{(i * 7 + number) % 20}.txt"
                connection.request("GET", path, headers={"Accept-Encoding": "gzip" if i % 2 else "x"})
                answer = connection.getresponse()
                digest.update(str(answer.status).encode() + answer.read())
            connection.request("GET", "/nothing.txt")
            digest.update(connection.getresponse().read())
            return digest.hexdigest()

        with concurrent.futures.ThreadPoolExecutor(6) as executor:
            answers = list(executor.map(client, range(6)))
        return answers, end(server, signal.SIGQUIT)

    compare(directory, serve)


SQL = """
create table t(a int primary key, b text, c float8);
insert into t select i, 'row ' || (i * 7919 % 1000), i * 0.5 from generate_series(1, 40000) i;
create index on t(b);
analyze t;
select b, count(*), sum(c) from t group by b order by 2 desc, 1 limit 20;
select md5(string_agg(b || a, ',' order by a)) from t;
select count(*) from t x join t y on x.b = y.b where x.a < 3000;
with recursive f(n, s) as (select 1, 1::numeric union all select n + 1, s * (n + 1) from f
  where n < 300) select length(max(s)::text) from f;
select jsonb_agg(t)::text like '%row 1%' from t where a < 2000;
select nothing;
"""


def test_postgres(directory):
    binaries = next((d for d in POSTGRES_DIRECTORIES
                     if all(os.path.exists(f"{d}/{name}") for name in ("postgres", "initdb", "psql"))),
                    None)
    if binaries is None:
        raise harness.Skip("postgres is not installed")
    user = None
    if os.getuid() == 0:  # which it refuses
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = "postgres" if "postgres" in names else "nobody"
    os.chmod(directory, 0o777)

    def serve(place, allocator):
        plain = harness.environment(False)
        port = free_port()
        data = os.path.join(place, "data")
        made = subprocess.run([f"{binaries}/initdb", "-D", data, "-A", "trust", "-U", "tester",
                               "--no-sync", "--locale=C", "-E", "UTF8"],
                              env=plain, cwd=place, user=user,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert made.returncode == 0, made.stdout
        server = start([f"{binaries}/postgres", "-D", data, "-p", str(port), "-k", place, "-h",
                        "127.0.0.1", "-c", "log_min_messages=fatal"], place, allocator, user)
        psql = [f"{binaries}/psql", "-X", "-h", "127.0.0.1", "-p", str(port), "-U", "tester", "-At",
                "postgres"]
        try:
            for _ in range(300):
                ready = subprocess.run(psql + ["-c", "select 1"], env=plain, check=False,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                if ready.returncode == 0:
                    break
                time.sleep(0.1)
            answer = subprocess.run(psql, input=SQL.encode(), env=plain, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, check=False, timeout=120)
        finally:
            status = end(server, signal.SIGINT)
        return answer.stdout, answer.returncode, status

    compare(directory, serve)


if __name__ == "__main__":
    harness.main({name: globals()[name] for name in sys.argv[1:]} or globals())
