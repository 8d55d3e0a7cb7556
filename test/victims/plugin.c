// SPDX-License-Identifier: Apache-2.0
//
// What loader_dlopen and throw_storm open and close: some work below two frames, so that samples
// fall into a library that is about to go.
__attribute__((noinline)) static long inner(long rounds) {
  volatile unsigned x = 1;
  for (long i = 0; i < rounds; ++i) {
    x = x * 1664525u + 1013904223u;
  }
  return (long)(x % 1000);
}

long plugin_work(long rounds);
long plugin_work(long rounds) { return inner(rounds) + 1; }
