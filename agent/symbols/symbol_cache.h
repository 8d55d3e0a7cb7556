// SPDX-License-Identifier: Apache-2.0
//
// What is known about addresses, kept between windows, so that a program whose hot code does not
// change has no file read in later windows. Unanswered addresses are remembered, too. Texts live in
// blocks and are shared by all addresses of a function. Background thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace otprof::symbols {

enum class Outcome : std::uint8_t {
  kResolved,
  kNoSymbol,
  kFileUnreadable,
  kFileMalformed,
  kOverBudget,
};

struct Answer {
  Outcome outcome = Outcome::kNoSymbol;
  std::uint64_t start = 0;  // run-time address of the symbol
  std::string_view system_name;
  std::string_view name;
};

// One of the functions that an address is in, and where in it; texts as in Symbol.
struct SourceLine {
  std::string_view system_name;
  std::string_view name;
  std::string_view file;
  std::uint32_t line = 0;
};

class SymbolCache {
 public:
  // Null when nothing is known. Answers stay where they are until clear().
  const Answer* find(std::uint32_t module_id, std::uint64_t address) const;
  // The texts of an earlier answer with that raw name; null when there is none. A raw name is
  // demangled once.
  const Answer* find_text(std::string_view raw_name) const;
  // Adds texts to be shared: `raw_name` finds them.
  const Answer* add_text(std::string_view raw_name, std::string_view system_name,
                         std::string_view name);
  void add(std::uint32_t module_id, std::uint64_t address, const Answer& answer);
  // The same for source lines, which are kept apart: most users do not ask for them. Null when nothing
  // is known; an empty span when it is known that there are none. Texts are those of add_text() and
  // keep_path().
  const std::span<const SourceLine>* find_lines(std::uint32_t module_id,
                                                std::uint64_t address) const;
  void add_lines(std::uint32_t module_id, std::uint64_t address, std::span<const SourceLine> lines);
  std::string_view keep_path(std::string_view path);
  void clear();
  std::size_t memory_bytes() const;

 private:
  struct Key {
    std::uint64_t address;
    std::uint32_t module_id;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };

  std::string_view keep(std::string_view text);

  std::unordered_map<Key, Answer, KeyHash> answers_;
  std::unordered_map<std::string_view, Answer> texts_;
  std::unordered_map<Key, std::span<const SourceLine>, KeyHash> lines_;
  std::unordered_set<std::string_view> paths_;
  std::deque<std::vector<SourceLine>> line_blocks_;  // each filled to its capacity, never moved
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_used_ = 0;
};

}  // namespace otprof::symbols
