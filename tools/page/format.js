// SPDX-License-Identifier: Apache-2.0
// Numbers as a person reads them.

function percentText(part, whole) {
  if (!whole) return '0 %';
  const value = 100 * part / whole;
  return value > 0 && value < 0.1 ? '<0.1 %' : `${value.toFixed(value < 99.95 ? 1 : 0)} %`;
}

// `unit` as in pprof: nanoseconds, bytes, anything else is counted.
function amountText(value, unit) {
  const sized = (number) => number.toFixed(number < 10 ? 2 : number < 100 ? 1 : 0);
  if (unit === 'nanoseconds') {
    if (value >= 3600e9) return `${(value / 3600e9).toFixed(2)} h`;
    if (value >= 60e9) return `${(value / 60e9).toFixed(2)} min`;
    if (value >= 1e9) return `${sized(value / 1e9)} s`;
    if (value >= 1e6) return `${sized(value / 1e6)} ms`;
    return value ? `${sized(value / 1e3)} \u00b5s` : '0 s';
  }
  if (unit === 'bytes') {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
    let step = 0;
    while (value >= 1024 && step + 1 < units.length) {
      value /= 1024;
      ++step;
    }
    return `${step ? sized(value) : value} ${units[step]}`;
  }
  return value.toLocaleString('en-US');
}

const kTypeLabels = {
  'samples': 'Samples', 'cpu': 'CPU time',
  'alloc_objects': 'Allocations, count', 'alloc_space': 'Allocations, bytes',
  'inuse_objects': 'In use, count', 'inuse_space': 'In use, bytes',
};

function typeText(type) { return kTypeLabels[type[0]] || type.filter(Boolean).join(', '); }

function kindText(kind) {
  return kind === 'cpu' ? 'CPU' : kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll('_', ' ');
}
