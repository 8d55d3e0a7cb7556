// SPDX-License-Identifier: Apache-2.0
//
// A made-up window as the agent would build it: a main executable and two libraries, one CPU and one
// heap profile over stacks that share their outer frames. The same options give the same window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "encoder/dictionary.h"

namespace otprof::test {

struct SampleWindowOptions {
  std::size_t cpu_samples = 200;  // distinct ones
  std::size_t heap_samples = 100;
  std::size_t depth = 30;          // mean frames of a stack
  std::size_t addresses = 20'000;  // that frames are taken from, in each mapping
  bool timestamps = true;
  std::uint64_t seed = 1;
};

struct SampleWindow {
  encoder::Dictionary dictionary;
  encoder::Resource resource;
  encoder::Scope scope;
  std::vector<encoder::Profile> profiles;  // cpu, heap
};

inline constexpr std::uint64_t kWindowStart = 1'800'000'000'000'000'000;
inline constexpr std::uint64_t kWindowLength = 60'000'000'000;

SampleWindow make_sample_window(const SampleWindowOptions& options);

}  // namespace otprof::test
