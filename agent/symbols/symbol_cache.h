// SPDX-License-Identifier: Apache-2.0
//
// What is known about addresses, kept between windows, so that a program whose hot code does not
// change has no file read in later windows. Unanswered addresses are remembered, too. Texts live in
// blocks and are shared by all addresses of a function. Background thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
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
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_used_ = 0;
};

}  // namespace otprof::symbols
