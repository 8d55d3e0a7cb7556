// SPDX-License-Identifier: Apache-2.0
// One graph on the canvas: which part of its axis is in view, where its frames lie, what is under
// the pointer. Only frames of at least kMinWidth pixels are laid out, whatever the size of the
// profile; the canvas is as large as the window and the scroll bar moves what is drawn on it.

const kRow = 21;         // pixels per row, the gap included
const kMinWidth = 0.6;   // narrower frames are not drawn
const kPad = 6;          // between a frame's edge and its text
const kFont = '12px ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, ' +
  '"DejaVu Sans Mono", monospace';
const kZoomMs = 170;

class GraphView {
  constructor(canvas, scroller, extent) {
    this.canvas = canvas;
    this.scroller = scroller;
    this.extent = extent;
    this.parts = [];       // {graph, upwards}: drawn from one common row, away from each other
    this.fromTop = true;
    this.matches = null;   // by frame, or null: nothing is searched
    this.focus = null;     // the node zoomed into
    this.hovered = null;
    this.selected = null;
    this.range = {from: 0, to: 1};  // of the axis
    this.frames = [];      // laid out: {node, x, width, row}
    this.rows = 0;
    this.moving = 0;
    this.waiting = false;
    scroller.addEventListener('scroll', () => this.redraw());
    new ResizeObserver(() => this.relayout()).observe(scroller);
  }

  // `graphs`: one, growing away from the edge, or {callers, callees} of one function.
  show(names, colours, graphs) {
    cancelAnimationFrame(this.moving);
    this.names = names;
    this.colours = colours;
    this.parts = graphs;
    this.focus = graphs[0].graph.root;
    this.hovered = this.selected = null;
    this.range = {from: 0, to: this.focus.total};
    this.relayout();
    this.scrollToStart();
  }

  get sandwich() { return this.parts.length > 1; }

  scrollToStart() {
    const part = this.parts[0];
    if (!part) return;
    if (this.sandwich) {
      this.scroller.scrollTop = (this.origin + 1.5) * kRow - this.scroller.clientHeight / 2;
    } else {
      this.scroller.scrollTop = this.fromTop ? 0 : this.extent.offsetHeight;
    }
  }

  zoom(node, animate = true) {
    this.focus = node;
    const to = {from: node.start, to: node.start + node.total};
    cancelAnimationFrame(this.moving);
    if (!animate || matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.range = to;
      this.relayout();
      this.reveal(node);
      return;
    }
    const from = this.range;
    const begun = performance.now();
    const step = (now) => {
      const part = Math.min(1, Math.max(0, (now - begun) / kZoomMs));
      const eased = 1 - (1 - part) ** 3;
      this.range = {from: from.from + (to.from - from.from) * eased,
                    to: from.to + (to.to - from.to) * eased};
      this.relayout();
      if (part < 1) this.moving = requestAnimationFrame(step);
      else this.reveal(node);
    };
    this.moving = requestAnimationFrame(step);
  }

  // Lays out what is wide enough to be seen, and sizes the scrolled area for it.
  relayout() {
    const width = this.scroller.clientWidth;
    const span = this.range.to - this.range.from;
    this.frames = [];
    this.deepest = this.parts.map(() => 0);
    if (width && span > 0) {
      this.parts.forEach((part, index) => {
        const stack = [part.graph.root];
        while (stack.length) {
          const node = stack.pop();
          const x = (node.start - this.range.from) / span * width;
          const wide = node.total / span * width;
          if (wide < kMinWidth || x > width || x + wide < 0) continue;
          // The function in the middle of a sandwich belongs to both graphs and is drawn once.
          if (index === 0 || node.up) this.frames.push({node, index, x, width: wide, row: 0});
          this.deepest[index] = Math.max(this.deepest[index], node.depth);
          for (const kid of node.children()) stack.push(kid);
        }
      });
    }
    // In the sandwich the callers stand above the function and the callees below.
    this.origin = this.sandwich ? this.deepest[0] : 0;
    this.rows = 1 + (this.sandwich ? this.deepest[0] + this.deepest[1] : this.deepest[0] ?? 0);
    for (const frame of this.frames) frame.row = this.rowOf(frame.node, frame.index);
    this.byRow = Array.from({length: this.rows}, () => []);
    for (const frame of this.frames) this.byRow[frame.row].push(frame);
    for (const row of this.byRow) row.sort((a, b) => a.x - b.x);
    this.extent.style.height = `${Math.max(0, this.rows * kRow + 8 - this.scroller.clientHeight)}px`;
    this.redraw();
  }

  rowOf(node, index) {
    if (this.sandwich) return index === 0 ? this.origin - node.depth : this.origin + node.depth;
    return this.fromTop ? node.depth : this.rows - 1 - node.depth;
  }

  // Where row 0 begins: a graph that grows from the bottom stands on the bottom.
  get top() {
    const room = this.scroller.clientHeight - this.rows * kRow - 8;
    return (this.sandwich ? Math.max(0, room / 2) : this.fromTop ? 0 : Math.max(0, room)) + 4;
  }

  redraw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  draw() {
    const width = this.scroller.clientWidth;
    const height = this.scroller.clientHeight;
    const scale = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * scale) ||
        this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(height * scale);
    }
    const pen = this.canvas.getContext('2d');
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = kFont;
    pen.textBaseline = 'middle';
    this.letter = this.letter || pen.measureText('0').width;
    const dark = kDark.matches;
    this.ink = dark ? '#f0f3f8' : '#171c26';
    const ancestors = new Set(this.focus ? this.focus.path().slice(0, -1) : []);
    const offset = this.top - this.scroller.scrollTop;
    const first = Math.max(0, Math.floor(-offset / kRow));
    const last = Math.min(this.rows - 1, Math.ceil((height - offset) / kRow));
    for (let row = first; row <= last; ++row) {
      for (const frame of this.byRow[row]) {
        this.drawFrame(pen, frame, offset + row * kRow, width, ancestors.has(frame.node), dark);
      }
    }
    pen.globalAlpha = 1;
    for (const [node, colour, line] of [[this.hovered, dark ? '#ffffff' : '#171c26', 1.25],
                                        [this.selected, dark ? '#c3c1ff' : '#3a37c9', 2]]) {
      const frame = node && this.frames.find((candidate) => candidate.node === node);
      if (!frame) continue;
      pen.strokeStyle = colour;
      pen.lineWidth = line;
      const x = Math.max(0, frame.x);
      const wide = Math.min(width, frame.x + frame.width) - x;
      pen.strokeRect(x + 0.5, offset + frame.row * kRow + 0.5, Math.max(1, wide - 1), kRow - 2);
    }
  }

  drawFrame(pen, frame, y, width, faded, dark) {
    const x = Math.max(0, frame.x);
    const wide = Math.min(width, frame.x + frame.width) - x;
    const gap = wide > 3 ? 1 : wide > 1.5 ? 0.4 : 0;
    const matched = this.matches?.[frame.node.frame];
    const unmatched = this.matches && !matched;
    pen.globalAlpha = (faded ? 0.55 : 1) * (unmatched ? 0.32 : 1);
    pen.fillStyle = matched ? (dark ? '#c93599' : '#d6308f')
                            : this.colours.ofFrame(frame.node.frame);
    if (wide > 6) {
      pen.beginPath();
      pen.roundRect(x, y, wide - gap, kRow - 1, 2.5);
      pen.fill();
    } else {
      pen.fillRect(x, y, Math.max(0.5, wide - gap), kRow - 1);
    }
    const room = Math.floor((wide - gap - 2 * kPad) / this.letter);
    const text = this.names.fitting(frame.node.frame, room);
    if (!text) return;
    // What stands back is still to be read.
    pen.globalAlpha = unmatched ? 0.6 : faded ? 0.8 : 1;
    pen.fillStyle = matched ? '#ffffff' : this.ink;
    pen.fillText(text, x + kPad, y + kRow / 2);
  }

  // The node at a point of the canvas, or null.
  at(x, y) {
    const row = Math.floor((y - this.top + this.scroller.scrollTop) / kRow);
    const frames = this.byRow?.[row] || [];
    let low = 0;
    let high = frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (frames[middle].x <= x) low = middle + 1; else high = middle;
    }
    const frame = frames[low - 1];
    return frame && x < frame.x + Math.max(frame.width, 1) ? frame.node : null;
  }

  // Scrolls so that a node's row is in view.
  reveal(node) {
    const frame = this.frames.find((candidate) => candidate.node === node);
    if (!frame) return;
    const y = this.top + frame.row * kRow;
    const {scrollTop, clientHeight} = this.scroller;
    if (y < scrollTop) this.scroller.scrollTop = y - kRow;
    else if (y + kRow > scrollTop + clientHeight) {
      this.scroller.scrollTop = y + 2 * kRow - clientHeight;
    }
  }

  // The node that an arrow key leads to from the selected one. `up` and `down` are on the screen.
  neighbour(direction) {
    const node = this.selected || this.focus;
    if (!node) return null;
    const part = this.parts.find((candidate) => candidate.graph === node.graph);
    const growsDown = part && (this.sandwich ? part !== this.parts[0] : this.fromTop);
    const shown = (candidate) => this.frames.some((frame) => frame.node === candidate);
    if (direction === 'left' || direction === 'right') {
      const kids = node.up ? node.up.children().filter(shown) : [node];
      return kids[kids.indexOf(node) + (direction === 'left' ? -1 : 1)] || node;
    }
    if ((direction === 'down') === growsDown) return node.children().find(shown) || node;
    return node.up || node;
  }
}
