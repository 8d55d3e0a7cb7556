// SPDX-License-Identifier: Apache-2.0
//
// A program whose time and memory are spent in functions inlined into others. test_lines.py looks for
// the lines that end in a comment with a name.
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

volatile unsigned sink;
void* volatile kept[4096];

[[gnu::always_inline]] inline unsigned mix(unsigned value) {
  for (int i = 0; i < 1000; ++i) {
    value = value * 1664525U + sink + 1013904223U;  // the leaf
  }
  return value;
}

[[gnu::always_inline]] inline unsigned twice(unsigned value) {
  const unsigned once = mix(value);  // call of mix
  return once ^ (once >> 7);
}

[[gnu::always_inline]] inline void* block(std::size_t size) {
  return std::malloc(size);  // the allocation
}

[[gnu::noinline]] unsigned burn(unsigned value) {
  return twice(value) + 1;  // call of twice
}

[[gnu::noinline]] void fill(int i) {
  kept[i] = block(4096);  // call of block
  sink = sink + 1;
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

int main() {
  for (int i = 0; i < 4096; ++i) fill(i);
  unsigned value = 1;
  while (cpu_seconds() < 0.5) {
    for (int i = 0; i < 1000; ++i) value = burn(value);
  }
  std::printf("%s\n", value == 0 ? "zero" : "done");
}
