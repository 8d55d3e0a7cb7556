// SPDX-License-Identifier: Apache-2.0
#include "tools/frames.h"

#include <charconv>

namespace otprof::tools {
namespace {

using encoder::Index;

std::string hex_number(std::uint64_t value) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  return "0x" + std::string(digits, end);
}

}  // namespace

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

FrameTable::FrameTable(const encoder::Dictionary& dictionary)
    : dictionary_(dictionary), by_location_(dictionary.locations().size()) {}

std::uint32_t FrameTable::intern(std::string_view name, std::string_view module,
                                 std::string_view file) {
  std::string key(name);
  key += '\0';
  key += module;
  const auto [found, added] =
      index_.try_emplace(std::move(key), static_cast<std::uint32_t>(frames_.size()));
  if (added) frames_.push_back({std::string(name), std::string(module), std::string(file)});
  return found->second;
}

std::string FrameTable::unnamed(const encoder::Location& location, std::string_view module) {
  const encoder::Mapping& mapping = dictionary_.mappings()[location.mapping];
  if (module.empty() || location.address < mapping.memory_start) {
    return hex_number(location.address);
  }
  const std::uint64_t offset = location.address - mapping.memory_start + mapping.file_offset;
  const auto [known, added] =
      starts_.try_emplace(location.mapping, std::string(dictionary_.string(mapping.filename)),
                          dictionary_.string(mapping.build_id_gnu));
  const std::uint64_t address = known->second.address_of(offset).value_or(offset);
  const std::uint64_t start = known->second.start_of(address).value_or(address);
  return std::string(module) + "+" + hex_number(start);
}

const std::vector<std::uint32_t>& FrameTable::of_location(Index index) {
  std::vector<std::uint32_t>& frames = by_location_[index];
  if (!frames.empty()) return frames;
  const encoder::Location& location = dictionary_.locations()[index];
  const encoder::Mapping& mapping = dictionary_.mappings()[location.mapping];
  std::string_view module = base_name(dictionary_.string(mapping.filename));
  if (dictionary_.string(location.frame_type) == "kernel" || module.starts_with("[kernel")) {
    module = "[kernel]";
  }
  for (const encoder::Line& line : location.lines) {
    const encoder::Function& function = dictionary_.functions()[line.function];
    std::string_view name = dictionary_.string(function.name);
    if (name.empty()) name = dictionary_.string(function.system_name);
    if (name.empty()) name = "(unknown)";
    frames.push_back(intern(name, module, dictionary_.string(function.filename)));
  }
  if (frames.empty()) frames.push_back(intern(unnamed(location, module), module, {}));
  return frames;
}

std::uint32_t FrameTable::cut_off(std::string_view reason) {
  return intern("(cut off: " + std::string(reason) + ")", {}, {});
}

const std::vector<std::uint32_t>& FrameTable::of_stack(Index stack) {
  stack_.clear();
  for (const Index location : dictionary_.stacks()[stack].locations) {
    const std::vector<std::uint32_t>& frames = of_location(location);
    if (stack_.size() + frames.size() > kMaxFrames) break;
    stack_.insert(stack_.end(), frames.begin(), frames.end());
  }
  if (stack_.empty()) stack_.push_back(intern("(no stack)", {}, {}));
  return stack_;
}

}  // namespace otprof::tools
