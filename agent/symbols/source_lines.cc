// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/source_lines.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "agent/symbols/alt_debug_file.h"
#include "agent/symbols/function_names.h"
#include "agent/symbols/inline_chains.h"
#include "agent/symbols/kept_texts.h"
#include "agent/symbols/line_program.h"
#include "agent/symbols/unit_lookup.h"

namespace otprof::symbols {
namespace {

// All that one unit says of its addresses.
class UnitLines {
 public:
  UnitLines(DebugSections& sections, const DebugUnit& unit, const AbbreviationTable& abbreviations,
            FunctionNames& names)
      : budget_(sections.budget()),
        has_lines_(unit.line_program.has_value()),
        lines_(sections, unit),
        chains_(sections, unit, abbreviations),
        names_(names) {
    names.enter(unit);
  }

  // `addresses` ascending. False when some of the unit makes no sense.
  bool read(std::span<const std::uint64_t> addresses) {
    for (const std::uint64_t address : addresses) {
      line_queries_.emplace_back().address = address;
      scope_queries_.emplace_back().address = address;
    }
    const bool sane = !has_lines_ || (lines_.open() && lines_.run(line_queries_));
    return chains_.run(scope_queries_) && sane;
  }

  // The frames of the address with that index; none if nothing is known.
  std::span<const SourceFrame> frames(std::size_t index) {
    frames_.clear();
    names_.make_room();
    paths_.make_room();
    const LineQuery& here = line_queries_[index];
    SourceFrame frame{{}, path(here.found ? here.file : kNoFile), here.line};
    for (std::uint32_t at = scope_queries_[index].scope; at != kNoScope;) {
      if (!budget_.take(ReadBudget::kSearch)) break;  // the caller sees it
      const Scope& scope = chains_.scope(at);
      frame.function = names_.name(scope.name_from);
      const bool is_last = scope.parent == kNoScope;
      // A call whose function has no name is told by the line of the call alone.
      if (is_last || !frame.function.empty()) add(frame);
      frame = {{}, path(scope.call_file), scope.call_line};
      at = scope.parent;
    }
    if (frames_.empty() && here.found) add(frame);
    return frames_;
  }

 private:
  static constexpr std::uint32_t kNoFile = UINT32_MAX;

  void add(const SourceFrame& frame) {
    if (frames_.size() == kMaxInlineFrames) frames_.pop_back();
    frames_.push_back(frame);
  }

  const std::string& path(std::uint32_t file) {
    const std::string* const known = paths_.find(file);
    if (known != nullptr) return *known;
    return paths_.add(file, file != kNoFile ? lines_.path(file) : std::string());
  }

  ReadBudget& budget_;
  const bool has_lines_;
  LineProgram lines_;
  InlineChains chains_;
  FunctionNames& names_;
  std::vector<LineQuery> line_queries_;
  std::vector<ScopeQuery> scope_queries_;
  KeptTexts paths_;
  std::vector<SourceFrame> frames_;
};

// Reads units that were found, and tells what they say.
class FoundUnits {
 public:
  FoundUnits(DebugSections& sections, std::span<const std::uint64_t> addresses,
             const SourceSink& sink, SourceResult& result)
      : sections_(sections),
        budget_(sections.budget()),
        addresses_(addresses),
        sink_(sink),
        result_(result),
        names_(sections),
        is_read_(addresses.size()) {}

  // `units` of the addresses; those that had one the last time are passed over. `has_all`: the budget
  // is as large as it can be.
  void read(std::span<const std::uint64_t> units, bool has_all) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < units.size(); ++i) {
      if (units[i] == kNoUnit || is_read_[i]) continue;
      order.push_back(i);
      is_read_[i] = true;
    }
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return units[i]; });
    for (auto from = order.begin(); from != order.end() && !budget_.spent();) {
      const auto to =
          std::find_if(from, order.end(), [&](std::size_t i) { return units[i] != units[*from]; });
      read_unit(units[*from], {from, to}, has_all);
      from = to;
    }
  }

 private:
  void read_unit(std::uint64_t offset, std::span<const std::size_t> indices, bool has_all) {
    auto unit = read_unit_header(sections_, offset);
    if (!unit || !read_root(sections_, abbreviations_, *unit)) {
      result_.damaged = true;
      return;
    }
    in_unit_.clear();
    for (const std::size_t i : indices) in_unit_.push_back(addresses_[i]);
    UnitLines lines(sections_, *unit, abbreviations_, names_);
    const bool sane = lines.read(in_unit_);
    if (budget_.spent()) {  // what was cut short is not told: it may be wrong
      if (!has_all || result_.found != 0) return;
      for (const std::size_t i : indices) sink_(i, {});
      result_.given_up += indices.size();
      return;
    }
    result_.damaged |= !sane;
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const auto frames = lines.frames(i);
      if (budget_.spent()) break;
      if (frames.empty()) continue;
      sink_(indices[i], frames);
      ++result_.found;
    }
  }

  DebugSections& sections_;
  ReadBudget& budget_;
  std::span<const std::uint64_t> addresses_;
  const SourceSink& sink_;
  SourceResult& result_;
  FunctionNames names_;
  AbbreviationTable abbreviations_;
  std::vector<bool> is_read_;
  std::vector<std::uint64_t> in_unit_;
};

}  // namespace

SourceResult find_source_lines(const ElfFile& elf, const std::string& debug_root,
                               ReadBudget& budget, std::span<const std::uint64_t> addresses,
                               const SourceSink& sink) {
  SourceResult result;
  const bool has_all = budget.untouched();
  AltDebugFile alt;
  DebugSections sections(elf, budget);
  sections.set_alt(alt.open(elf, debug_root, budget));
  FoundUnits found(sections, addresses, sink, result);
  UnitSearch search(sections, addresses);
  search.read_aranges();
  found.read(search.units(), has_all);
  if (!search.done() && !budget.spent()) {
    search.read_units();
    found.read(search.units(), has_all);
  }
  result.spent = budget.spent() || search.cut_short();
  result.trouble = sections.trouble();
  return result;
}

}  // namespace otprof::symbols
