// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says is mapped at given addresses, or under given names: /proc/thread-self/maps,
// which also works after the main thread has ended (/proc/self does not). Read in bounded pieces, whatever its length.
// Background thread only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace otprof::symbols {

struct MappingQuery {
  std::uintptr_t address = 0;
  // The answer; inode 0 and an empty path when nothing or no file is mapped there.
  std::uint64_t device = 0;  // as st_dev encodes it
  std::uint64_t inode = 0;
  std::string path;  // without " (deleted)"; not necessarily absolute ("/memfd:x", "[vdso]")
};

// `queries` ascending by address. False when the list of mappings cannot be read.
bool find_mappings(std::span<MappingQuery> queries);

struct NamedMapping {
  std::uintptr_t start = 0;
  std::uintptr_t limit = 0;
  bool readable = false;
  bool executable = false;
};

// The mappings whose name begins with any of `prefixes`, in the order of their addresses. False when
// the list of mappings cannot be read; `found` then holds those seen until then.
bool find_named_mappings(std::span<const std::string_view> prefixes,
                         std::vector<NamedMapping>& found);

}  // namespace otprof::symbols
