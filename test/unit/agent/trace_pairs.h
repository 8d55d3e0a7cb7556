// SPDX-License-Identifier: Apache-2.0
//
// Trace and span ids that prove themselves: both are made of a thread's number and a count, and each
// part of them is a different hash of these, so that ids of which any bytes belong to another pair
// are told with a probability of 1 - 2^-64.
// No allocation, no lock: usable in a signal handler.
#pragma once

#include <cstdint>
#include <cstring>

namespace otprof::test {

struct Pair {
  unsigned char trace_id[16];
  unsigned char span_id[8];
};

inline std::uint64_t scramble(std::uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

// trace id: thread and count, then their hash; span id: another hash. `thread` from 1.
inline Pair pair_of(std::uint32_t thread, std::uint32_t count) {
  const std::uint64_t what = std::uint64_t{thread} << 32U | count;
  const std::uint64_t check = scramble(what);
  const std::uint64_t span = scramble(check + 1);
  Pair pair;
  std::memcpy(pair.trace_id, &what, 8);
  std::memcpy(pair.trace_id + 8, &check, 8);
  std::memcpy(pair.span_id, &span, 8);
  return pair;
}

inline bool is_pair(const unsigned char* trace_id, const unsigned char* span_id) {
  std::uint64_t what = 0;
  std::memcpy(&what, trace_id, 8);
  const Pair pair =
      pair_of(static_cast<std::uint32_t>(what >> 32U), static_cast<std::uint32_t>(what));
  return std::memcmp(pair.trace_id, trace_id, 16) == 0 &&
         std::memcmp(pair.span_id, span_id, 8) == 0;
}

}  // namespace otprof::test
