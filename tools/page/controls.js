// SPDX-License-Identifier: Apache-2.0
// Mouse and keyboard, and the tooltip that follows the pointer.

function connectControls(page) {
  for (const button of document.querySelectorAll('[data-view]')) {
    button.addEventListener('click', () => page.setView(button.dataset.view));
  }
  $('type').addEventListener('change', () => {
    page.choice.type = $('type').value;
    page.chooseProfile();
  });
  for (const field of ['service', 'process', 'thread']) {
    $(field).addEventListener('change', () => {
      page.choice[field] = $(field).value;
      page.fillFilters();
      page.build();
    });
  }
  $('search').addEventListener('input', () => page.search());
  $('flip').addEventListener('click', () => page.flip());
  $('reset').addEventListener('click', () => page.reset());
  $('focus').addEventListener('click', () => page.showFunction(page.view.selected.frame));
  $('copy').addEventListener('click', () => page.copy());
  $('help').addEventListener('click', () => $('keys').showModal());
}

// ---- pointer

function connectPointer(page) {
  const canvas = $('canvas');
  const {view} = page;
  const nodeAt = (event) => {
    const box = canvas.getBoundingClientRect();
    return view.at(event.clientX - box.left, event.clientY - box.top);
  };
  canvas.addEventListener('pointermove', (event) => {
    const node = nodeAt(event);
    canvas.style.cursor = node ? 'pointer' : 'default';
    if (node !== view.hovered) {
      view.hovered = node;
      view.redraw();
      page.showStatus(node || view.selected);
      fillTip(page, node);
    }
    placeTip(event);
  });
  const leave = () => {
    view.hovered = null;
    view.redraw();
    $('tip').hidden = true;
    page.showStatus(view.selected);
  };
  canvas.addEventListener('pointerleave', leave);
  $('graph').addEventListener('scroll', leave);
  canvas.addEventListener('click', (event) => {
    page.zoom(nodeAt(event));
    $('tip').hidden = true;
  });
}

function fillTip(page, node) {
  const tip = $('tip');
  tip.hidden = !node;
  if (!node) return;
  const add = (parent, tag, text, kind = '') => {
    const element = document.createElement(tag);
    element.textContent = text;
    element.className = kind;
    parent.append(element);
    return element;
  };
  tip.replaceChildren();
  const {names, profile, tree} = page;
  add(tip, 'strong', names.name(node.frame));
  const where = [names.module(node.frame), names.file(node.frame)].filter(Boolean);
  if (where.length) add(tip, 'div', where.join('  \u00b7  '), 'where');
  const body = add(tip, 'table', '');
  const heads = add(body, 'tr', '');
  const own = node.self(page.type) !== null;
  for (const text of ['', 'total', '', ...(own ? ['self', ''] : [])]) add(heads, 'th', text);
  profile.types.forEach((type, i) => {
    const total = node.sum(i) ?? (i === page.type ? node.total : null);
    if (total === null) return;
    const line = add(body, 'tr', '', i === page.type ? 'shown' : '');
    add(line, 'th', typeText(type));
    for (const value of own ? [total, node.self(i)] : [total]) {
      add(line, 'td', amountText(value, type[1]));
      add(line, 'td', percentText(value, tree.total[i][0]));
    }
  });
}

function placeTip(event) {
  const tip = $('tip');
  if (tip.hidden) return;
  const {offsetWidth, offsetHeight} = tip;
  const below = event.clientY + 20 + offsetHeight < innerHeight;
  tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - offsetWidth - 8))}px`;
  tip.style.top = `${below ? event.clientY + 20 : Math.max(8, event.clientY - offsetHeight - 14)}px`;
}

// ---- keyboard

function connectKeys(page) {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $('keys').open) return;
    const typing = document.activeElement?.matches('input, select');
    if (event.key === 'Escape') page.escape(typing);
    else if (typing || !(pageKey(page, event) || graphKey(page, event))) return;
    event.preventDefault();
  });
}

// Whether the key meant something.
function pageKey(page, event) {
  const {view} = page;
  const graph = page.tree && page.choice.view !== 'table';
  switch (event.key) {
    case '/': $('search').focus(); $('search').select(); return true;
    case '?': $('keys').showModal(); return true;
    case '1': case '2': case '3':
      if (page.tree) page.setView(['tree', 'callers', 'table'][event.key - 1]);
      return true;
    case 'f': if (graph && !view.sandwich) page.flip(); return true;
    case 's': if (graph && view.selected) page.showFunction(view.selected.frame); return true;
    case 'c': page.copy(); return true;
    case 'Backspace': if (graph && view.focus?.up) page.zoom(view.focus.up); return true;
  }
  return false;
}

const kArrows = {ArrowUp: 'up', ArrowDown: 'down', ArrowLeft: 'left', ArrowRight: 'right'};

function graphKey(page, event) {
  const {view} = page;
  if (!$('canvas').matches(':focus')) return false;
  if (event.key === 'Enter') {
    page.zoom(view.selected);
    return true;
  }
  if (!kArrows[event.key]) return false;
  view.selected = view.neighbour(kArrows[event.key]);
  view.reveal(view.selected);
  view.redraw();
  page.showStatus(view.selected);
  return true;
}
