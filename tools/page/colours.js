// SPDX-License-Identifier: Apache-2.0
// Colours say where code comes from: kernel, C library, C++ library, the program itself, and every
// other module by a hash of its name, so that a module looks the same in every profile.

const kLibc = /^(libc|libm|libpthread|libdl|librt|ld-linux[^.]*|ld-musl[^.]*|linux-vdso|\[vdso\]|ld)([-.]|$)/;
const kCxx = /^(lib(std)?c\+\+|libstdc\+\+|libsupc\+\+)/;
const kCxxName = /^(std::|__gnu_cxx::|__cxxabiv1::|__cxa_|operator (new|delete))/;

const kDark = matchMedia('(prefers-color-scheme: dark)');

function hash(text) {
  let value = 2166136261;  // FNV-1a, 32 bits
  for (let i = 0; i < text.length; ++i) value = Math.imul(value ^ text.charCodeAt(i), 16777619);
  value ^= value >>> 15;
  return value >>> 0;
}

// OKLCH (lightness 0-1, chroma, hue in degrees) -> CSS: equal lightness looks equally light.
function oklch(lightness, chroma, hue) {
  const a = chroma * Math.cos(hue * Math.PI / 180);
  const b = chroma * Math.sin(hue * Math.PI / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3;
  const channel = (linear) => {
    const clipped = Math.min(1, Math.max(0, linear));
    const encoded = clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
    return Math.round(255 * encoded);
  };
  return `rgb(${channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s)},` +
    `${channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s)},` +
    `${channel(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)})`;
}

class Colours {
  constructor(names, programs) {
    this.names = names;
    this.programs = programs;  // names of the executables
    this.byFrame = new Map();
  }

  // {key, label} of the legend entry that a frame belongs to.
  family(frame) {
    const module = this.names.module(frame);
    const name = this.names.name(frame);
    if (module === '[kernel]') return {key: 'kernel', label: 'kernel'};
    if (kCxx.test(module) || kCxxName.test(name)) return {key: 'c++', label: 'C++ library'};
    if (kLibc.test(module)) return {key: 'libc', label: 'C library'};
    if (this.programs.has(module)) return {key: 'program', label: module};
    if (!module) return {key: 'unknown', label: 'unknown'};
    return {key: 'module ' + module, label: module};
  }

  // Hue and chroma of a family.
  tone(key) {
    switch (key) {
      case 'kernel': return [28, 0.125];
      case 'program': return [72, 0.125];
      case 'c++': return [158, 0.085];
      case 'libc': return [232, 0.06];
      case 'unknown': return [260, 0.012];
      case 'root': return [260, 0.012];
    }
    // The rest of the circle, away from the tones above.
    const value = hash(key);
    return [178 + value % 19 * 9.5, 0.07 + (value >>> 8) % 3 * 0.018];
  }

  ofFamily(key) {
    const [hue, chroma] = this.tone(key);
    return kDark.matches ? oklch(0.62, chroma, hue) : oklch(0.8, chroma, hue);
  }

  ofFrame(frame) {
    let colour = this.byFrame.get(frame);
    if (colour) return colour;
    const [hue, chroma] = this.tone(frame < 0 ? 'root' : this.family(frame).key);
    // Neighbours of one module differ a little, always in the same way.
    const shade = hash(this.names.name(frame)) % 5 / 4 - 0.5;
    colour = kDark.matches ? oklch(0.45 + 0.045 * shade, chroma * 0.95, hue + 10 * shade)
                               : oklch(0.855 + 0.05 * shade, chroma, hue + 10 * shade);
    this.byFrame.set(frame, colour);
    return colour;
  }
}
