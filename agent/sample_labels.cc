// SPDX-License-Identifier: Apache-2.0
#include "agent/sample_labels.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "agent/context_keys.h"
#include "agent/thread_context.h"
#include "encoder/attribute_keys.h"

namespace otprof::agent {
namespace {

using Label = std::pair<std::string_view, std::string_view>;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

// The keys under which pprof carries the link, and those that its tools keep for themselves.
bool is_reserved(std::string_view key) {
  return key == encoder::kTraceIdLabel || key == encoder::kSpanIdLabel ||
         key.starts_with("pprof::");
}

}  // namespace

std::string_view SampleLabels::name_of(std::uint8_t key) const {
  return key < published_.size() ? std::string_view(published_[key]) : context_key_name(key);
}

void SampleLabels::add_to(std::vector<encoder::Index>& attributes, std::string_view label_bytes,
                          encoder::Dictionary& dictionary) {
  if (label_bytes.size() < kLabelHeader) {
    return;
  }
  std::uint16_t header = 0;
  std::memcpy(&header, label_bytes.data(), sizeof header);
  bool is_cut = (header & kLabelsCut) != 0;
  const std::size_t size = header & ~kLabelsCut;
  std::string_view published = label_bytes.substr(kLabelHeader, size);
  std::string_view custom = label_bytes.substr(std::min(kLabelHeader + size, label_bytes.size()));

  std::vector<Label> labels;
  const auto find = [&](std::string_view key) {
    return std::ranges::find(labels, key, &Label::first);
  };
  while (!published.empty()) {
    if (published.size() < 2 || published.size() - 2 < byte_at(published, 1)) {
      is_cut = true;
      break;
    }
    const std::string_view key = name_of(byte_at(published, 0));
    const std::string_view value = published.substr(2, byte_at(published, 1));
    published.remove_prefix(2 + value.size());
    if (key.empty() || is_reserved(key)) {
      ++counters_.unknown_key;
    } else if (const auto known = find(key); known != labels.end()) {
      known->second = value;
    } else {
      labels.emplace_back(key, value);
    }
  }
  while (custom.size() >= 2 &&
         custom.size() - 2 >= std::size_t{byte_at(custom, 0)} + byte_at(custom, 1)) {
    const std::string_view key = custom.substr(2, byte_at(custom, 0));
    const std::string_view value = custom.substr(2 + key.size(), byte_at(custom, 1));
    custom.remove_prefix(2 + key.size() + value.size());
    if (key.empty() || is_reserved(key)) {
      ++counters_.unknown_key;
    } else if (find(key) == labels.end()) {
      labels.emplace_back(key, value);
    }
  }
  if (labels.size() > kMostLabels) {
    labels.resize(kMostLabels);
    is_cut = true;
  }
  counters_.cut += is_cut ? 1U : 0U;

  std::vector<encoder::Index> all;
  all.reserve(labels.size() + attributes.size());
  for (const auto& [key, value] : labels) {
    all.push_back(dictionary.string_attribute(key, value));
  }
  all.insert(all.end(), attributes.begin(), attributes.end());
  attributes = std::move(all);
}

void add_label_counters(const LabelCounters& counters, encoder::Dictionary& dictionary,
                        std::vector<encoder::Index>& attributes) {
  if (counters.unknown_key != 0) {
    attributes.push_back(dictionary.int_attribute("otprof.labels.unknown_key",
                                                  static_cast<std::int64_t>(counters.unknown_key)));
  }
  if (counters.cut != 0) {
    attributes.push_back(
        dictionary.int_attribute("otprof.labels.cut", static_cast<std::int64_t>(counters.cut)));
  }
}

}  // namespace otprof::agent
