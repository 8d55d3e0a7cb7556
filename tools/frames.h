// SPDX-License-Identifier: Apache-2.0
//
// Locations as the frames a person reads: a function in a module, inlined functions as frames of
// their own. Frames are unique by function name and module, so that one function at many addresses,
// or loaded at another address in each process, is one frame. A function without a name is called by
// its file and where it starts there (function_starts.h), or by the address alone.
// One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "encoder/dictionary.h"
#include "encoder/profile.h"
#include "tools/function_starts.h"

namespace otprof::tools {

struct Frame {
  std::string name;    // never empty
  std::string module;  // base name; "[kernel]"; empty if unknown
  std::string file;    // source file, if known
};

class FrameTable {
 public:
  explicit FrameTable(const encoder::Dictionary& dictionary);

  // The frames of a stack, innermost first; one frame "(no stack)" if it is empty. Valid until the
  // next call. A stack longer than kMaxFrames loses its outermost frames.
  const std::vector<std::uint32_t>& of_stack(encoder::Index stack);
  // The frame that stands for the missing outer part of a stack.
  std::uint32_t cut_off(std::string_view reason);
  const Frame& operator[](std::uint32_t frame) const { return frames_[frame]; }
  std::size_t size() const { return frames_.size(); }

  static constexpr std::size_t kMaxFrames = 16384;

 private:
  std::uint32_t intern(std::string_view name, std::string_view module, std::string_view file);
  const std::vector<std::uint32_t>& of_location(encoder::Index location);
  std::string unnamed(const encoder::Location& location, std::string_view module);

  const encoder::Dictionary& dictionary_;
  std::vector<Frame> frames_;
  std::unordered_map<std::string, std::uint32_t> index_;
  std::vector<std::vector<std::uint32_t>> by_location_;
  std::unordered_map<encoder::Index, FunctionStarts> starts_;  // by mapping
  std::vector<std::uint32_t> stack_;
};

// "/usr/lib/libz.so.1" -> "libz.so.1"
std::string_view base_name(std::string_view path);

}  // namespace otprof::tools
