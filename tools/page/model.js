// SPDX-License-Identifier: Apache-2.0
// What the page knows: the document made by flame_json.cc, the call tree of one profile with sums
// per node, and graphs over it that are expanded only where something is looked at.

// One profile of the document, restricted to some groups (threads of processes).
class Tree {
  constructor(doc, profile, groupWanted) {
    const count = profile.up.length + 1;
    this.types = profile.types;
    this.parent = new Int32Array(count);
    this.frame = new Int32Array(count).fill(-1);
    this.childStart = new Int32Array(count + 1);
    for (let node = 1; node < count; ++node) {
      this.parent[node] = node - profile.up[node - 1];
      this.frame[node] = profile.frame[node - 1];
      ++this.childStart[this.parent[node] + 1];
    }
    for (let node = 0; node < count; ++node) this.childStart[node + 1] += this.childStart[node];
    const next = this.childStart.slice();
    this.childList = new Int32Array(count - 1);
    for (let node = 1; node < count; ++node) this.childList[next[this.parent[node]]++] = node;

    // By type, then node. A parent stands before its children, so one backward pass sums up.
    this.self = profile.types.map(() => new Float64Array(count));
    this.total = profile.types.map(() => new Float64Array(count));
    const types = profile.types.length;
    for (let at = 0; at < profile.rows.length; at += 2 + types) {
      if (!groupWanted(profile.rows[at + 1])) continue;
      for (let type = 0; type < types; ++type) {
        this.self[type][profile.rows[at]] += profile.rows[at + 2 + type];
      }
    }
    for (let type = 0; type < types; ++type) {
      const total = this.total[type];
      total.set(this.self[type]);
      for (let node = count - 1; node > 0; --node) total[this.parent[node]] += total[node];
    }
    this.frames = doc.frames.length / 3;
  }

  // Per frame: what it has itself, and what it has on the stack, once per sample: a node counts for
  // its frame only if no caller is the same function.
  functions(type) {
    const self = new Float64Array(this.frames);
    const total = new Float64Array(this.frames);
    this.walkOutermost((node, outermost) => {
      self[this.frame[node]] += this.self[type][node];
      if (outermost) total[this.frame[node]] += this.total[type][node];
    });
    return {self, total};
  }

  // The nodes of a function that have no caller that is the same function.
  outermostOf(frame) {
    const nodes = [];
    this.walkOutermost((node, outermost) => {
      if (outermost && this.frame[node] === frame) nodes.push(node);
    });
    return nodes;
  }

  walkOutermost(visit) {
    const onPath = new Int32Array(this.frames);
    const stack = [0];
    while (stack.length) {
      const node = stack.pop();
      if (node < 0) {
        --onPath[this.frame[~node]];
        continue;
      }
      if (node > 0) {
        visit(node, onPath[this.frame[node]]++ === 0);
        stack.push(~node);
      }
      for (let at = this.childStart[node]; at < this.childStart[node + 1]; ++at) {
        stack.push(this.childList[at]);
      }
    }
  }

  // The share of all that had a frame on the stack for which matches[frame] is set.
  matched(type, matches) {
    const covered = new Uint8Array(this.parent.length);
    let sum = 0;
    for (let node = 1; node < covered.length; ++node) {
      covered[node] = covered[this.parent[node]] || matches[this.frame[node]];
      if (covered[node]) sum += this.self[type][node];
    }
    return sum;
  }
}

// A graph's node stands for the same call path at one or more nodes of the tree. Its children are
// made when they are first asked for.
class GraphNode {
  constructor(graph, up, frame, at, weights, total) {
    this.graph = graph;
    this.up = up;
    this.frame = frame;
    this.at = at;            // nodes of the tree
    this.weights = weights;  // how much of each, when callers are followed
    this.total = total;
    this.start = 0;          // where it begins on the graph's axis
    this.depth = up ? up.depth + 1 : 0;
    this.kids = null;
  }

  children() {
    if (this.kids) return this.kids;
    this.kids = this.graph.expand(this);
    this.kids.sort((a, b) => b.total - a.total || a.frame - b.frame);
    let start = this.start;
    for (const kid of this.kids) {
      kid.start = start;
      start += kid.total;
    }
    return this.kids;
  }

  // Both by type, null where it is not known: following callers there is one type, and no own part.
  self(type) {
    if (this.weights) return null;
    return this.at.reduce((sum, node) => sum + this.graph.tree.self[type][node], 0);
  }

  sum(type) {
    if (this.weights) return type === this.graph.type ? this.total : null;
    return this.at.reduce((sum, node) => sum + this.graph.tree.total[type][node], 0);
  }

  path() {
    const path = [];
    for (let node = this; node; node = node.up) path.unshift(node);
    return path;
  }
}

// From callers to callees, beginning at some nodes of the tree.
class CalleeGraph {
  constructor(tree, type, at = [0]) {
    this.tree = tree;
    this.type = type;
    const total = at.reduce((sum, node) => sum + tree.total[type][node], 0);
    this.root = new GraphNode(this, null, tree.frame[at[0]] ?? -1, at, null, total);
  }

  expand(node) {
    const {tree, type} = this;
    const groups = new Map();
    for (const from of node.at) {
      for (let at = tree.childStart[from]; at < tree.childStart[from + 1]; ++at) {
        const child = tree.childList[at];
        if (!(tree.total[type][child] > 0)) continue;
        const group = groups.get(tree.frame[child]);
        if (group) group.push(child); else groups.set(tree.frame[child], [child]);
      }
    }
    return [...groups].map(([frame, at]) => new GraphNode(this, node, frame, at, null,
      at.reduce((sum, child) => sum + tree.total[type][child], 0)));
  }
}

// From callees to callers: beginning at all functions with something of their own, or at some nodes
// of one function.
class CallerGraph {
  constructor(tree, type, at = null) {
    this.tree = tree;
    this.type = type;
    const values = at ? tree.total[type] : tree.self[type];
    const nodes = at || [...tree.frame.keys()].filter((node) => node > 0 && values[node] > 0);
    const weights = nodes.map((node) => values[node]);
    this.whole = !at;
    this.root = new GraphNode(this, null, at ? tree.frame[at[0]] ?? -1 : -1, nodes, weights,
      weights.reduce((a, b) => a + b, 0));
  }

  expand(node) {
    const {tree} = this;
    const groups = new Map();
    node.at.forEach((from, i) => {
      // The first row of the whole graph are the functions themselves, not their callers.
      const to = this.whole && !node.up ? from : tree.parent[from];
      if (to === 0) return;
      let group = groups.get(tree.frame[to]);
      if (!group) groups.set(tree.frame[to], group = {at: [], weights: [], total: 0});
      group.at.push(to);
      group.weights.push(node.weights[i]);
      group.total += node.weights[i];
    });
    return [...groups].map(([frame, group]) =>
      new GraphNode(this, node, frame, group.at, group.weights, group.total));
  }
}

// Names of frames, with the shorter forms that a narrow frame can hold.
class FrameNames {
  constructor(doc) {
    this.doc = doc;
    this.short = new Map();
  }

  name(frame) { return frame < 0 ? 'all' : this.doc.strings[this.doc.frames[3 * frame]]; }
  module(frame) { return frame < 0 ? '' : this.doc.strings[this.doc.frames[3 * frame + 1]]; }
  file(frame) { return frame < 0 ? '' : this.doc.strings[this.doc.frames[3 * frame + 2]]; }

  // What stays the same when the document is fetched again.
  key(frame) { return `${this.name(frame)}\n${this.module(frame)}`; }
  find(key) {
    for (let frame = this.doc.frames.length / 3 - 1; frame >= 0; --frame) {
      if (this.key(frame) === key) return frame;
    }
    return -1;
  }

  // The longest form of at most `room` characters, or ''.
  fitting(frame, room) {
    if (room < 3) return '';
    let forms = this.short.get(frame);
    if (!forms) this.short.set(frame, forms = shorterForms(this.name(frame)));
    for (const form of forms) if (form.length <= room) return form;
    const last = forms[forms.length - 1];
    return last.slice(0, room - 1) + '\u2026';
  }
}

// a::b<c>(d) const -> itself, a::b<c>, a::b, b
function shorterForms(name) {
  const forms = [name];
  const add = (form) => {
    if (form && form !== forms[forms.length - 1]) forms.push(form);
  };
  // A function without a name: libz.so.1.2.13+0x1a0, libz+0x1a0, +0x1a0.
  const [, file, start] = name.match(/^(.*)(\+0x[0-9a-f]+)$/) || [];
  if (start) {
    add(file.replace(/\.so[.0-9]*$/, '') + start);
    add(start);
    return forms;
  }
  const spaced = name.replaceAll('(anonymous namespace)::', '');
  const plain = withoutBrackets(spaced);
  const open = spaced.lastIndexOf('(');
  if (open > 0) add(spaced.slice(0, open));
  add(plain);
  const words = plain.split(' ');
  const called = words[words.length - 1] || plain;
  if (!plain.includes('operator')) {
    add(called);
    add(called.slice(called.lastIndexOf('::') + 1).replace(/^:/, ''));
  }
  return forms;
}

// Without template arguments, parameters and what follows them; names of operators stay.
function withoutBrackets(name) {
  if (/operator\s*(<|>|\()/.test(name) || name.startsWith('(')) return name;
  let out = '';
  let depth = 0;
  for (const c of name) {
    if (c === '(' && depth === 0 && out) return out;
    if (c === '<' && out) ++depth;
    else if (c === '>' && depth) --depth;
    else if (!depth) out += c;
  }
  return depth ? name : out;
}
