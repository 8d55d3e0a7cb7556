// SPDX-License-Identifier: Apache-2.0
// Every function with its own and its total share. Only the rows in view are in the document.

const kTableRow = 28;
const kColumns = [
  {key: 'self', label: 'Self', number: true}, {key: 'self', label: 'Self %', share: true},
  {key: 'total', label: 'Total', number: true}, {key: 'total', label: 'Total %', share: true},
  {key: 'name', label: 'Function'}, {key: 'module', label: 'Module'},
];

class FunctionTable {
  constructor(head, body, chosen) {
    this.head = head;
    this.body = body;
    this.chosen = chosen;  // called with the frame of a clicked row
    this.rows = [];
    this.order = {key: 'self', down: true};
    this.spacer = document.createElement('div');
    kColumns.forEach((column) => {
      const cell = document.createElement('div');
      cell.setAttribute('role', 'columnheader');
      cell.className = column.number ? 'number' : '';
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = column.label;
      button.addEventListener('click', () => this.sortBy(column.key));
      cell.append(button);
      head.append(cell);
    });
    body.append(this.spacer);
    body.addEventListener('scroll', () => this.draw());
    body.addEventListener('keydown', (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(body);
  }

  show(names, colours, unit, functions, sum) {
    Object.assign(this, {names, colours, unit, functions, sum});
    this.filter(this.matches || null);
  }

  // Keeps the functions that `matches` names, all if it is null.
  filter(matches) {
    this.matches = matches;
    if (!this.functions) return;
    const {self, total} = this.functions;
    this.rows = [...total.keys()]
      .filter((frame) => total[frame] > 0 && (!matches || matches[frame]))
      .map((frame) => ({frame, self: self[frame], total: total[frame],
                        name: this.names.name(frame), module: this.names.module(frame)}));
    this.sort();
  }

  sortBy(key) {
    const down = this.order.key === key ? !this.order.down : key === 'self' || key === 'total';
    this.order = {key, down};
    this.sort();
  }

  sort() {
    const {key, down} = this.order;
    const sign = down ? -1 : 1;
    const text = new Intl.Collator('en').compare;
    this.rows.sort((a, b) => (typeof a[key] === 'number' ? sign * (a[key] - b[key])
                                                         : sign * text(a[key], b[key])) ||
                             b.total - a.total || text(a.name, b.name));
    [...this.head.children].forEach((cell, i) => {
      const sorted = kColumns[i].key === key;
      cell.setAttribute('aria-sort', !sorted ? 'none' : down ? 'descending' : 'ascending');
    });
    this.body.parentElement.setAttribute('aria-rowcount', this.rows.length + 1);
    this.spacer.style.height = `${this.rows.length * kTableRow}px`;
    this.drawn = null;
    this.draw();
  }

  draw() {
    if (!this.functions || !this.body.clientHeight) return;
    const first = Math.max(0, Math.floor(this.body.scrollTop / kTableRow) - 8);
    const last = Math.min(this.rows.length,
      Math.ceil((this.body.scrollTop + this.body.clientHeight) / kTableRow) + 8);
    const drawn = `${first} ${last}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const focused = document.activeElement?.dataset?.row;
    this.spacer.replaceChildren(
      ...this.rows.slice(first, last).map((row, i) => this.rowElement(row, first + i)));
    if (focused) this.spacer.querySelector(`[data-row="${focused}"]`)?.focus({preventScroll: true});
  }

  rowElement(row, index) {
    const element = document.createElement('div');
    element.className = 'row';
    element.setAttribute('role', 'row');
    element.setAttribute('aria-rowindex', index + 2);
    element.tabIndex = 0;
    element.dataset.row = index;
    element.style.top = `${index * kTableRow}px`;
    element.title = row.name;
    for (const column of kColumns) element.append(this.cell(row, column));
    element.addEventListener('click', () => this.chosen(row.frame));
    return element;
  }

  cell(row, column) {
    const cell = document.createElement('div');
    cell.setAttribute('role', 'cell');
    if (column.number) {
      cell.className = 'number';
      cell.textContent = amountText(row[column.key], this.unit);
    } else if (column.share) {
      const bar = document.createElement('i');
      const text = document.createElement('span');
      cell.className = 'share';
      bar.style.width = `${Math.min(100, 100 * row[column.key] / (this.sum || 1))}%`;
      text.textContent = percentText(row[column.key], this.sum);
      cell.append(bar, text);
    } else {
      cell.className = column.key;
      if (column.key === 'module' && row.module) {
        const swatch = document.createElement('i');
        swatch.style.background = this.colours.ofFamily(this.colours.family(row.frame).key);
        cell.append(swatch);
      }
      cell.append(row[column.key]);
    }
    return cell;
  }

  key(event) {
    const row = Number(document.activeElement?.dataset?.row ?? NaN);
    if (Number.isNaN(row)) return;
    if (event.key === 'Enter') {
      this.chosen(this.rows[row].frame);
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const next = row + (event.key === 'ArrowDown' ? 1 : -1);
      this.spacer.querySelector(`[data-row="${next}"]`)?.focus();
    } else {
      return;
    }
    event.preventDefault();
  }
}
