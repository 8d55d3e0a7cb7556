// SPDX-License-Identifier: Apache-2.0
#include "tools/sample_filter.h"

#include <algorithm>
#include <unordered_map>

#include "tools/hex.h"
#include "tools/text.h"

namespace otprof::tools {
namespace {

using encoder::Index;

template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> id_of(const Arguments& arguments,
                                                 std::string_view option) {
  const std::optional<std::string> text = arguments.value(option);
  if (!text) return std::nullopt;
  std::string digits = *text;
  std::ranges::transform(digits, digits.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
  });
  std::array<std::uint8_t, N> id{};
  if (!parse_hex(digits, id)) {
    throw UsageError(std::string(option) + " takes " + std::to_string(2 * N) +
                     " hexadecimal digits, not '" + printable(*text) + "'");
  }
  return id;
}

bool is_label(const encoder::Dictionary& dictionary, Index index,
              const std::pair<std::string, std::string>& label) {
  const encoder::Attribute& attribute = dictionary.attributes()[index];
  if (dictionary.string(attribute.key) != label.first) return false;
  if (const auto* number = std::get_if<std::int64_t>(&attribute.value)) {
    return std::to_string(*number) == label.second;
  }
  return dictionary.string(std::get<Index>(attribute.value)) == label.second;
}

}  // namespace

SampleFilter filter_of(const Arguments& arguments) {
  SampleFilter filter;
  filter.trace_id = id_of<16>(arguments, "--trace");
  filter.span_id = id_of<8>(arguments, "--span");
  if (const std::optional<std::string> label = arguments.value("--label")) {
    const std::size_t equals = label->find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError("--label takes KEY=VALUE, not '" + printable(*label) + "'");
    }
    filter.label.emplace(label->substr(0, equals), label->substr(equals + 1));
  }
  return filter;
}

std::vector<Option> filter_options() {
  return {{.name = "--trace", .value = "ID", .help = "only samples of this trace (32 hex digits)"},
          {.name = "--span", .value = "ID", .help = "only samples of this span (16 hex digits)"},
          {.name = "--label", .value = "KEY=VALUE", .help = "only samples with this label"}};
}

MergedProfile filtered(const Recording& recording, const MergedProfile& profile,
                       const SampleFilter& filter) {
  const encoder::Dictionary& dictionary = recording.dictionary();
  std::unordered_map<Index, bool> labelled;  // by attribute set
  const auto has_label = [&](Index set) {
    const auto [known, added] = labelled.try_emplace(set, false);
    if (added) {
      known->second = std::ranges::any_of(
          dictionary.attribute_sets()[set].attributes,
          [&](Index index) { return is_label(dictionary, index, *filter.label); });
    }
    return known->second;
  };
  MergedProfile part = profile;
  part.rows = {};
  for (std::size_t row = 0; row < profile.rows.size(); ++row) {
    const SampleRows::Key& key = profile.rows.key(row);
    const encoder::Link& link = dictionary.links()[key.link];
    if ((filter.trace_id && link.trace_id != *filter.trace_id) ||
        (filter.span_id && link.span_id != *filter.span_id) ||
        (filter.label && !has_label(key.attributes))) {
      continue;
    }
    const std::size_t kept = part.rows.row(key);
    for (std::size_t column = 0; column < profile.types.size(); ++column) {
      part.rows.add(kept, column, profile.rows.value(row, column));
    }
  }
  return part;
}

}  // namespace otprof::tools
