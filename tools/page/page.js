// SPDX-License-Identifier: Apache-2.0
// The controls: what is chosen, and what is shown for it.

const $ = (id) => document.getElementById(id);
class Page {
  constructor() {
    this.choice = {kind: null, type: null, service: '', process: '', thread: '', view: 'tree',
                   frame: -1, family: ''};
    this.view = new GraphView($('canvas'), $('graph'), $('extent'));
    this.view.fromTop = stored('from-top') !== 'false';
    this.table = new FunctionTable($('columns'), $('rows'), (frame) => this.showFunction(frame));
    connectControls(this);
    connectPointer(this);
    connectKeys(this);
    this.labelFlip();
    kDark.addEventListener('change', () => this.refresh());
  }

  // ---- the document

  load(doc) {
    this.doc = doc;
    this.names = new FrameNames(doc);
    this.colours = new Colours(this.names, new Set(doc.processes.map(([name]) => name)));
    document.title = `${doc.title} \u2013 otprof`;
    $('title').textContent = doc.title;
    this.profiles = doc.profiles.filter((profile) => profile.rows.length);
    const empty = this.profiles.length === 0;
    $('empty').hidden = !empty;
    for (const id of ['kinds', 'type', 'flip', 'reset']) $(id).hidden = empty;
    if (empty) {
      $('empty').textContent = this.live
        ? 'No profiles yet.\n\nStart a program with LD_PRELOAD=libotprof.so and\n' +
          `OTEL_EXPORTER_OTLP_ENDPOINT=${location.origin}`
        : 'This recording holds no samples.';
      $('graph').hidden = $('table').hidden = true;
      return;
    }
    this.chooseProfile();
  }

  chooseProfile() {
    const {choice} = this;
    this.profile = this.profiles.find(({kind}) => kind === choice.kind) || this.profiles[0];
    if (choice.kind !== this.profile.kind) choice.type = null;
    choice.kind = this.profile.kind;
    const types = this.profile.types.map(([type]) => type);
    if (!types.includes(choice.type)) choice.type = types[this.profile.shown];
    this.type = types.indexOf(choice.type);
    $('kinds').replaceChildren(...(this.profiles.length > 1 ? this.profiles : []).map(({kind}) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = kindText(kind);
      button.setAttribute('aria-pressed', kind === choice.kind);
      button.addEventListener('click', () => {
        choice.kind = kind;
        choice.type = null;
        this.chooseProfile();
      });
      return button;
    }));
    fill($('type'), this.profile.types.map((type) => ({value: type[0], label: typeText(type)})),
      choice.type);
    $('type').hidden = this.profile.types.length < 2;
    this.fillFilters();
    this.build();
  }

  // The selects of services, processes and threads, largest first; one is there only if it offers
  // a choice, and each offers what the ones before it leave.
  fillFilters() {
    const {doc, choice, profile} = this;
    const weights = new Float64Array(doc.groups.length);
    const stride = 2 + profile.types.length;
    for (let at = 0; at < profile.rows.length; at += stride) {
      weights[profile.rows[at + 1]] += profile.rows[at + 2 + this.type];
    }
    const labels = doc.groups.map(([process, thread]) => {
      const [name, pid, service] = doc.processes[process];
      return {service, process: pid ? `${name} (${pid})` : name, thread};
    });
    let left = [...labels.keys()].filter((group) => weights[group] > 0);
    for (const field of ['service', 'process', 'thread']) {
      const sums = new Map();
      for (const group of left) {
        const label = labels[group][field];
        sums.set(label, (sums.get(label) || 0) + weights[group]);
      }
      const whole = [...sums.values()].reduce((a, b) => a + b, 0);
      const names = [...sums].sort((a, b) => b[1] - a[1]);
      if (!sums.has(choice[field])) choice[field] = '';
      const many = {service: 'services', process: 'processes', thread: 'threads'}[field];
      fill($(field), [{value: '', label: `All ${names.length} ${many}`},
        ...names.filter(([name]) => name).map(([name, sum]) =>
          ({value: name, label: `${name}  \u00b7  ${percentText(sum, whole)}`}))], choice[field]);
      // A service of one process each is chosen by its process.
      const single = field === 'service' && names.length === doc.processes.length;
      $(field).hidden = names.length < 2 || single;
      if (choice[field]) left = left.filter((group) => labels[group][field] === choice[field]);
    }
    const wanted = new Set(left);
    this.wanted = (group) => wanted.has(group);
  }

  // ---- what is shown

  build() {
    // The graph on show still has the names of the document it was made from.
    const shown = this.view;
    const zoomed = shown.focus && !shown.sandwich
      ? shown.focus.path().slice(1).map((node) => shown.names.key(node.frame)) : [];
    this.tree = new Tree(this.doc, this.profile, this.wanted);
    this.sum = this.tree.total[this.type][0];
    this.unit = this.profile.types[this.type][1];
    this.showFacts();
    this.showLegend();
    this.showView();
    this.search();
    this.zoomTo(zoomed);
  }

  // Back to where it was before the data changed, as far as that path still exists.
  zoomTo(path) {
    let node = this.view.parts[0]?.graph.root;
    if (!path.length || this.choice.view === 'table' || this.view.sandwich) return;
    for (const name of path) {
      const kid = node.children().find(({frame}) => this.names.key(frame) === name);
      if (!kid) break;
      node = kid;
    }
    this.view.zoom(node, false);
    this.showPath();
  }

  showView() {
    const {choice} = this;
    if (choice.view === 'function') {
      const frame = this.names.find(choice.frameName);
      if (frame >= 0 && this.tree.outermostOf(frame).length) choice.frame = frame;
      else choice.view = 'table';
    }
    for (const button of document.querySelectorAll('[data-view]')) {
      button.setAttribute('aria-pressed', button.dataset.view === choice.view);
    }
    const table = choice.view === 'table';
    $('graph').hidden = table;
    $('table').hidden = !table;
    $('flip').hidden = table || choice.view === 'function';
    const [tree, type] = [this.tree, this.type];
    if (choice.view === 'function') {
      const at = tree.outermostOf(choice.frame);
      this.view.show(this.names, this.colours, [{graph: new CallerGraph(tree, type, at)},
                                                {graph: new CalleeGraph(tree, type, at)}]);
      this.view.selected = this.view.parts[0].graph.root;
    } else if (table) {
      this.table.show(this.names, this.colours, this.unit, tree.functions(type), this.sum);
    } else {
      this.view.show(this.names, this.colours,
        [{graph: choice.view === 'callers' ? new CallerGraph(tree, type)
                                           : new CalleeGraph(tree, type)}]);
    }
    this.showPath();
    this.showStatus(this.view.selected);
  }

  setView(view) {
    this.choice.view = view;
    this.showView();
    this.search();
  }

  showFunction(frame) {
    if (frame < 0) return;
    this.choice.frame = frame;
    this.choice.frameName = this.names.key(frame);
    this.setView('function');
  }

  showFacts() {
    const facts = [];
    this.profile.types.forEach((type, i) => {
      const value = this.tree.total[i][0];
      if (value) facts.push([amountText(value, type[1]), factText(type)]);
    });
    const wall = this.profile.end_ms - this.profile.start_ms;
    if (wall > 0) facts.push([amountText(wall * 1e6, 'nanoseconds'), 'recorded']);
    if (this.doc.processes.length > 1) facts.push([this.doc.processes.length, 'processes']);
    $('facts').replaceChildren(...facts.map(([value, what]) => {
      const fact = document.createElement('span');
      const number = document.createElement('b');
      number.textContent = value;
      fact.append(number, ` ${what}`);
      return fact;
    }));
  }

  // The modules that take most themselves.
  showLegend() {
    const {self} = this.tree.functions(this.type);
    const families = new Map();
    self.forEach((value, frame) => {
      if (!value) return;
      const {key, label} = this.colours.family(frame);
      const family = families.get(key) || {key, label, value: 0};
      family.value += value;
      families.set(key, family);
    });
    const largest = [...families.values()].sort((a, b) => b.value - a.value).slice(0, 6);
    $('legend').replaceChildren(...largest.map(({key, label, value}) => {
      const button = document.createElement('button');
      const swatch = document.createElement('i');
      swatch.style.background = this.colours.ofFamily(key);
      button.type = 'button';
      button.title = `${label}: ${percentText(value, this.sum)} of all is its own. Click to find it.`;
      button.setAttribute('aria-pressed', key === this.choice.family);
      button.append(swatch, `${label} ${percentText(value, this.sum)}`);
      button.addEventListener('click', () => {
        this.choice.family = this.choice.family === key ? '' : key;
        this.showLegend();
        this.search();
      });
      return button;
    }));
  }

  // Marks what the search box and the legend ask for, and says which share of all passed there.
  search() {
    if (!this.tree) return;
    const text = $('search').value;
    const {family} = this.choice;
    let pattern = null;
    let bad = false;
    try {
      // Capitals are meant when they are typed.
      if (text) pattern = new RegExp(text, /[A-Z]/.test(text) ? '' : 'i');
    } catch {
      bad = true;
    }
    $('search').closest('label').classList.toggle('bad', bad);
    let matches = null;
    if (pattern || family) {
      matches = new Uint8Array(this.tree.frames);
      for (let frame = 0; frame < matches.length; ++frame) {
        matches[frame] = (!pattern || pattern.test(this.names.name(frame))) &&
          (!family || this.colours.family(frame).key === family);
      }
    }
    $('matched').textContent = bad ? 'not a pattern'
      : matches ? percentText(this.tree.matched(this.type, matches), this.sum) : '';
    this.view.matches = matches;
    this.view.redraw();
    if (this.choice.view === 'table') this.table.filter(matches);
    else this.table.matches = matches;
  }

  showPath() {
    const {view, choice} = this;
    const path = $('path');
    path.replaceChildren();
    if (choice.view === 'table') return;
    const crumb = (text, action) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = text;
      button.title = text;
      button.addEventListener('click', action);
      if (path.children.length) path.append('\u203a');
      path.append(button);
    };
    if (choice.view === 'function') {
      crumb('all functions', () => this.setView('table'));
      crumb(this.names.name(choice.frame), () => {});
    } else if (view.focus?.up) {
      for (const node of view.focus.path()) {
        crumb(node.up ? this.names.fitting(node.frame, 48) : 'all', () => this.zoom(node));
      }
      path.scrollLeft = path.scrollWidth;
    }
  }

  zoom(node) {
    if (!node) return;
    if (this.view.sandwich) {
      this.showFunction(node.frame);
      return;
    }
    this.view.zoom(node);
    this.view.selected = node.up ? node : null;
    this.showPath();
    this.showStatus(this.view.selected);
  }

  flip() {
    this.view.fromTop = !this.view.fromTop;
    store('from-top', this.view.fromTop);
    this.labelFlip();
    this.view.relayout();
    this.view.scrollToStart();
  }

  labelFlip() { $('flip').textContent = this.view.fromTop ? '\u2193 Icicle' : '\u2191 Flame'; }

  reset() {
    $('search').value = '';
    this.choice.family = '';
    this.showLegend();
    this.search();
    this.zoom(this.view.sandwich ? null : this.view.parts[0]?.graph.root);
  }

  reset() {
    $('search').value = '';
    this.choice.family = '';
    this.showLegend();
    this.search();
    this.zoom(this.view.sandwich ? null : this.view.parts[0]?.graph.root);
  }

  copy() {
    const {selected} = this.view;
    if (selected) navigator.clipboard?.writeText(this.names.name(selected.frame));
  }

  escape(typing) {
    if ($('search').value || this.choice.family) {
      $('search').value = '';
      this.choice.family = '';
      this.showLegend();
      this.search();
    } else if (typing) {
      document.activeElement.blur();
    } else if (this.choice.view === 'function') {
      this.setView('table');
    } else {
      this.zoom(this.view.parts[0]?.graph.root);
    }
  }

  showStatus(node) {
    const known = node && node.frame >= 0;
    $('focus').hidden = $('copy').hidden = !(this.view.selected?.frame >= 0);
    $('status').textContent = !known ? '' :
      `${percentText(node.total, this.sum)}  ${amountText(node.total, this.unit)}  ` +
      this.names.name(node.frame) +
      (this.names.module(node.frame) ? `  [${this.names.module(node.frame)}]` : '');
  }

  // In other colours.
  refresh() {
    if (!this.tree) return;
    this.colours.byFrame.clear();
    this.showLegend();
    if (this.choice.view === 'table') this.setView('table');
    else this.view.redraw();
  }
}

function factText(type) {
  return {samples: 'samples', cpu: 'of CPU time', alloc_objects: 'allocations',
          alloc_space: 'allocated', inuse_objects: 'blocks in use', inuse_space: 'in use'}[type[0]] ||
    type[0];
}

function fill(select, options, value) {
  select.replaceChildren(...options.map((option) => new Option(option.label, option.value)));
  select.value = value;
}

// Storage is refused to pages opened from disk in some browsers; the choice is then not kept.
function stored(key) {
  try { return localStorage.getItem(`otprof ${key}`); } catch { return null; }
}
function store(key, value) {
  try { localStorage.setItem(`otprof ${key}`, value); } catch { /* not kept */ }
}
