// SPDX-License-Identifier: Apache-2.0
//
// A library whose inlined calls are known: compiled by source_lines_test.cc with each compiler and
// format of debug information. Labels mark places in the code, fixture_lines says which lines they
// are on; a place must not move from the line that its __LINE__ is on.
#define EXPORTED extern "C" __attribute__((visibility("default")))
#define MARK(name) asm volatile("nop\n.globl " #name "\n.type " #name ",@notype\n" #name ":\nnop")

namespace fixture {

enum : int { kInner, kMiddle, kOuter, kLocal, kLocalCall, kPlaces };
static int lines[kPlaces];

struct Counter {
  int value;
  // The name is told by the declaration in the class, the code is elsewhere.
  __attribute__((always_inline)) int inner(int step);
};

__attribute__((always_inline)) inline int Counter::inner(int step) {
  lines[kInner] = __LINE__ + 1;
  MARK(fixture_in_inner);
  return value += step;
}

__attribute__((always_inline)) static inline int middle(Counter& counter) {
  const int step = counter.value * 2;
  return (lines[kMiddle] = __LINE__, counter.inner(step));
}

}  // namespace fixture

EXPORTED __attribute__((noinline)) int fixture_outer(int value) {
  fixture::Counter counter{value};
  return (fixture::lines[fixture::kOuter] = __LINE__, middle(counter)) + 1;
}

// A function of a class that is local to a function.
EXPORTED __attribute__((noinline)) int fixture_has_local(int value) {
  struct Local {
    __attribute__((noinline)) static int twice(int number) {
      fixture::lines[fixture::kLocal] = __LINE__ + 1;
      MARK(fixture_in_local);
      return 2 * number;
    }
  };
  return (fixture::lines[fixture::kLocalCall] = __LINE__, Local::twice(value)) + 1;
}

EXPORTED const int* fixture_lines() { return fixture::lines; }
