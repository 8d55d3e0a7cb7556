// SPDX-License-Identifier: Apache-2.0
//
// The frames of one window -> mappings, functions and locations of its dictionary, each looked up
// once: first add() every stack, then resolve() all of them together, then ask of().
// Background thread only.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/symbols/module_map.h"
#include "agent/symbols/symbolizer.h"
#include "agent/window.h"
#include "encoder/dictionary.h"

namespace otprof::agent {

class Locations {
 public:
  // Interns the program's own mapping, so that it becomes the first: pprof takes that for the program.
  Locations(encoder::Dictionary& dictionary, symbols::ModuleMap& modules);

  void add(std::span<const SeenFrame> stack);
  // Which frames' names are looked up. With kAll they get into the dictionary; with kLeaves they are
  // there for symbol_of() only.
  enum class Names { kAll, kLeaves, kNone };
  void resolve(symbols::Symbolizer& symbolizer, Names names);

  // Of a frame that was added.
  encoder::Index of(const SeenFrame& frame) const { return found_.at(frame).location; }
  // The symbol table's name of a frame among the first kLeafFrames of a stack; empty if it has none,
  // or names were not asked for. Valid until the symbolizer's next look-up.
  std::string_view symbol_of(const SeenFrame& frame) const { return found_.at(frame).symbol; }

  // How many frames from the leaf can be the allocator's own.
  static constexpr std::size_t kLeafFrames = 4;

 private:
  struct FrameHash {
    std::size_t operator()(const SeenFrame& frame) const noexcept;
  };
  struct Found {
    encoder::Index location = 0;
    std::string_view symbol;
    bool is_leaf = false;
  };

  encoder::Index intern(const symbols::Query& query, Names names);
  std::vector<encoder::Line> lines_of(const symbols::Symbol& symbol);
  encoder::Index mapping_of(const symbols::Module* module);
  encoder::Index unknown_mapping();

  encoder::Dictionary& dictionary_;
  symbols::ModuleMap& modules_;
  encoder::Index native_ = 0;
  std::unordered_map<SeenFrame, Found, FrameHash> found_;
  std::unordered_map<const symbols::Module*, encoder::Index> mappings_;
};

}  // namespace otprof::agent
