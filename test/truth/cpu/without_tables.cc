// SPDX-License-Identifier: Apache-2.0
//
// Built with -fno-asynchronous-unwind-tables -fno-exceptions and frame pointers: no unwind tables at all.
#include "test/truth/cpu/parts.h"

namespace {

[[gnu::noinline]] unsigned below(unsigned x, int depth) {
  if (depth > 0) {
    x = below(x, depth - 1);
  } else {
    for (int i = 0; i < 40000; ++i) x = x * 69069u + 1u;
  }
  __asm__ volatile("" : "+r"(x));
  return x + 1;
}

volatile unsigned kept;

}  // namespace

extern "C" [[gnu::noinline]] void part_without_tables(std::uint64_t end) {
  do {
    kept = below(1, 5);
  } while (truth::thread_ns() < end);
}
