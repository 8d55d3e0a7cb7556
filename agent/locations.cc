// SPDX-License-Identifier: Apache-2.0
#include "agent/locations.h"

#include <string_view>

namespace otprof::agent {
namespace {

// Every mapping has to have some build id, or receivers refuse the request: that of a file which has
// no note and could not be read, and of code in no file.
constexpr std::string_view kNoBuildId = "00000000000000000000000000000000";

}  // namespace

using encoder::Index;

std::size_t Locations::FrameHash::operator()(const SeenFrame& frame) const noexcept {
  return (frame.address ^ reinterpret_cast<std::uintptr_t>(frame.module) << 20U) *
         0x9e3779b97f4a7c15ULL;
}

Locations::Locations(encoder::Dictionary& dictionary, symbols::ModuleMap& modules)
    : dictionary_(dictionary), modules_(modules) {
  native_ = dictionary.intern_string("native");
  mapping_of(&modules.main_module());
}

void Locations::add(std::span<const SeenFrame> stack) {
  for (std::size_t i = 0; i < stack.size(); ++i) {
    found_[stack[i]].is_leaf |= i < kLeafFrames;
  }
}

void Locations::resolve(symbols::Symbolizer& symbolizer, Names names) {
  std::vector<symbols::Query> named;
  std::vector<symbols::Query> unnamed;
  for (const auto& [frame, found] : found_) {
    const bool is_asked = names == Names::kAll || (names == Names::kLeaves && found.is_leaf);
    (is_asked ? named : unnamed)
        .push_back({.module = frame.module, .address = frame.address, .symbol = {}});
  }
  symbolizer.resolve(named);
  for (const std::vector<symbols::Query>* queries : {&named, &unnamed}) {
    for (const symbols::Query& query : *queries) {
      Found& found = found_.at({query.module, query.address});
      found.location = intern(query, names);
      found.symbol = query.symbol.system_name;
    }
  }
}

Index Locations::intern(const symbols::Query& query, Names names) {
  encoder::Location location;
  location.mapping = query.module == nullptr ? unknown_mapping() : mapping_of(query.module);
  location.address = query.address;
  location.frame_type = native_;
  std::vector<encoder::Line> lines;
  if (names == Names::kAll) {
    lines = lines_of(query.symbol);
  }
  location.lines = lines;
  return dictionary_.intern_location(location);
}

std::vector<encoder::Line> Locations::lines_of(const symbols::Symbol& symbol) {
  std::vector<encoder::Line> lines;
  for (const symbols::SourceLine& source : symbol.lines) {
    const Index function =
        dictionary_.intern_function({.name = dictionary_.intern_string(source.name),
                                     .system_name = dictionary_.intern_string(source.system_name),
                                     .filename = dictionary_.intern_string(source.file)});
    if (function != 0) {
      lines.push_back({.function = function, .line = source.line});
    }
  }
  if (lines.empty() && !symbol.name.empty()) {
    lines.push_back({.function = dictionary_.intern_function(
                         {.name = dictionary_.intern_string(symbol.name),
                          .system_name = dictionary_.intern_string(symbol.system_name)})});
  }
  return lines;
}

Index Locations::mapping_of(const symbols::Module* module) {
  const auto [entry, is_new] = mappings_.try_emplace(module, 0);
  if (is_new) {
    const std::string_view hash = modules_.htl_hash(*module);
    const bool has_none = hash.empty() && module->build_id.empty();
    entry->second = dictionary_.intern_mapping(
        {.memory_start = module->text_start,
         .memory_limit = module->text_limit,
         .file_offset = module->text_offset,
         .filename = dictionary_.intern_string(module->path),
         .build_id_gnu = module->build_id.empty() ? 0 : dictionary_.intern_string(module->build_id),
         .build_id_htl = dictionary_.intern_string(has_none ? kNoBuildId : hash)});
  }
  return entry->second;
}

// Code in no file (generated at run time): a location without lines needs some mapping.
Index Locations::unknown_mapping() {
  return dictionary_.intern_mapping({.filename = dictionary_.intern_string("//anon"),
                                     .build_id_htl = dictionary_.intern_string(kNoBuildId)});
}

}  // namespace otprof::agent
