# SPDX-License-Identifier: Apache-2.0
"""The page in a browser: what it shows, and that no function's name can do harm. Needs chromium."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from harness import Server, main, otprof, write
from synthetic import Otlp, cpu_request

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
HOSTILE = "</script><img src=x onerror=\"window.harmed = 1\"><script>window.harmed = 1</script>"
SAMPLES = [(["main", "f", "f", "f"], 30, "one"), (["main", "f", "g"], 20, "one"),
           (["main", "h", "g@/lib/libz.so.1"], 40, "two"), (["main", HOSTILE], 10, "two")]

# Runs in the page after its own script; what it returns is put where the test finds it.
REPORT = """<script>
addEventListener('load', () => setTimeout(() => {
  const result = document.createElement('pre');
  result.id = 'result';
  let answer;
  try { answer = (() => { %s })(); } catch (error) { answer = String(error.stack || error); }
  result.textContent = JSON.stringify(answer);
  document.body.append(result);
}, %d));
</script></body>"""


def browse(url):
    with tempfile.TemporaryDirectory() as profile:
        result = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}",
             "--window-size=1200,800", "--virtual-time-budget=8000", "--dump-dom", url],
            capture_output=True, text=True, check=True, timeout=120)
    return result.stdout


def ask(directory, files, script, wait=0):
    """What `script` returns in the page of some files."""
    page = os.path.join(directory, "page.html")
    result = otprof("view", "-o", page, *files)
    assert result.returncode == 0, result.stderr
    with open(page, encoding="utf-8") as file:
        html = file.read()
    with open(page, "w", encoding="utf-8") as file:
        file.write(html.replace("</body>", REPORT % (script, wait)))
    found = re.search(r'<pre id="result">(.*?)</pre>', browse("file://" + page), re.S)
    assert found, "the page has no result"
    text = found.group(1)
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, char)
    return json.loads(text)


def one(directory):
    return [write(directory, "a.otlp", cpu_request(SAMPLES))]


def test_names_are_text(directory):
    answer = ask(directory, one(directory), """
        page.setView('table');
        return [window.harmed || 0, document.images.length,
                [...document.querySelectorAll('#rows .name')].map((cell) => cell.textContent)];""")
    assert answer[:2] == [0, 0], answer
    assert HOSTILE in answer[2], answer


def test_totals(directory):
    answer = ask(directory, one(directory), """
        const {self, total} = page.tree.functions(page.type);
        const sums = {};
        total.forEach((value, frame) => {
          sums[page.names.name(frame) + '@' + page.names.module(frame)] = [self[frame], value];
        });
        return [sums, page.sum];""")
    ms = 10_000_000  # of a sample
    assert answer[1] == 100 * ms, answer
    assert answer[0]["f@app"] == [30 * ms, 50 * ms], answer  # however often it recursed
    assert answer[0]["g@app"] == [20 * ms, 20 * ms], answer
    assert answer[0]["g@libz.so.1"] == [40 * ms, 40 * ms], answer
    assert answer[0]["main@app"] == [0, 100 * ms], answer


def test_search_counts_nothing_twice(directory):
    answer = ask(directory, one(directory), """
        const found = (text) => {
          document.getElementById('search').value = text;
          page.search();
          return document.getElementById('matched').textContent;
        };
        return ['^[fg]$', 'F', 'MAIN', 'nowhere', '(', ''].map(found);""")
    assert answer == ["90.0 %", "0.0 %", "0.0 %", "0.0 %", "not a pattern", ""], answer


def test_zoom_and_back(directory):
    answer = ask(directory, one(directory), """
        const frame = (name) =>
          page.view.frames.find(({node}) => page.names.name(node.frame) === name);
        const crumbs = () => [...document.querySelectorAll('#path button')].map((b) => b.textContent);
        const before = frame('f').width;
        page.view.zoom(frame('f').node, false);
        page.showPath();
        const zoomed = [frame('f').width, crumbs()];
        dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}));
        page.view.zoom(page.view.focus, false);
        return [before, ...zoomed, frame('f').width, crumbs(), page.view.scroller.clientWidth];""")
    before, zoomed, crumbs, after, none, width = answer
    assert abs(before - width / 2) < 1 and abs(zoomed - width) < 1 and before == after, answer
    assert crumbs == ["all", "main", "f"] and none == [], answer


def test_callers_and_callees(directory):
    answer = ask(directory, one(directory), """
        const shown = () => page.view.frames.map(({node, row}) =>
          [row, page.names.name(node.frame), node.total / 1e7]).sort();
        page.setView('callers');
        const callers = page.view.frames.filter(({node}) => node.depth === 1)
          .map(({node}) => [page.names.name(node.frame), node.total / 1e7]);
        page.showFunction(page.names.find('f\\napp'));
        return [callers, shown()];""")
    assert sorted(answer[0]) == sorted([["g", 40], ["f", 30], ["g", 20], [HOSTILE, 10]]), answer
    # Above it who calls it, below it what it calls; itself once, with all it has.
    assert answer[1] == [[0, "main", 50], [1, "f", 50], [2, "f", 30], [2, "g", 20], [3, "f", 30]], answer


def test_filters(directory):
    two = Otlp()
    two.add([two.cpu(SAMPLES[:1])], pid=1, executable="a")
    two.add([two.cpu(SAMPLES[2:3])], pid=2, executable="b")
    answer = ask(directory, [write(directory, "two.otlp", two.encode())], """
        const options = (id) => [...document.getElementById(id).options].map((o) => o.value);
        const choose = (id, value) => {
          document.getElementById(id).value = value;
          document.getElementById(id).dispatchEvent(new Event('change'));
          return page.sum / 1e7;
        };
        return [options('process'), options('thread'), page.sum / 1e7, choose('thread', 'two'),
                choose('thread', ''), choose('process', 'a (1)'),
                document.getElementById('thread').hidden];""")
    assert answer == [["", "b (2)", "a (1)"], ["", "two", "one"], 70, 40, 70, 30, True], answer


def test_a_large_profile_is_drawn_at_once(directory):
    """100,000 nodes: only what is wide enough is laid out."""
    samples = [([f"f{i % 7}", f"g{i % 97}", *(f"h{i * 31 % 5003}_{d}" for d in range(8))], 1 + i % 5, None)
               for i in range(14000)]
    answer = ask(directory, [write(directory, "large.otlp", cpu_request(samples))], """
        const begun = performance.now();
        for (let i = 0; i < 20; ++i) page.view.relayout();
        const layout = (performance.now() - begun) / 20;
        return [page.tree.parent.length, page.view.frames.length, layout];""")
    nodes, frames, layout = answer
    assert nodes > 100_000, nodes
    assert frames < 20_000, frames
    print(f"{nodes} nodes, {frames} drawn, laid out in {layout:.1f} ms")


def test_the_live_page_follows(_):
    with Server() as server:
        server.post(cpu_request(SAMPLES))
        dom = browse(f"http://127.0.0.1:{server.port}/")
        assert re.search(r'<h1 id="title">shop</h1>', dom), dom[:3000]
        assert "<b>100</b> samples" in dom


def test_an_empty_live_page_says_what_to_do(_):
    with Server() as server:
        dom = browse(f"http://127.0.0.1:{server.port}/")
        assert f"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{server.port}" in dom


if not BROWSER:
    print("SKIP: no chromium")
    sys.exit(77)
main(globals())
