// SPDX-License-Identifier: Apache-2.0
#include "tools/process.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace otprof::tools {
namespace {

using encoder::Attribute;
using encoder::Dictionary;
using encoder::Index;

// How different writers label a sample's thread.
constexpr std::array<std::string_view, 3> kThreadNames = {"thread.name", "thread name",
                                                          "thread_name"};
constexpr std::array<std::string_view, 3> kThreadIds = {"thread.id", "thread id", "thread_id"};
constexpr std::string_view kPidKey = "process.pid";
constexpr std::string_view kExecutableKey = "process.executable.name";
constexpr std::string_view kServiceKey = "service.name";
constexpr std::string_view kInstanceKey = "service.instance.id";

template <std::size_t N>
bool is_any(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// A process id; 0 if it is none.
std::int64_t to_number(std::string_view text) {
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

std::int64_t to_number(const Dictionary& dictionary, const Attribute& attribute) {
  if (const auto* number = std::get_if<std::int64_t>(&attribute.value)) return *number;
  return to_number(dictionary.string(std::get<Index>(attribute.value)));
}

std::string to_text(const Dictionary& dictionary, const Attribute& attribute) {
  if (const Index* text = std::get_if<Index>(&attribute.value)) {
    return std::string(dictionary.string(*text));
  }
  return std::to_string(std::get<std::int64_t>(attribute.value));
}

}  // namespace

std::optional<Process> labelled_process(const Dictionary& dictionary, Index set) {
  Process process;
  for (const Index index : dictionary.attribute_sets()[set].attributes) {
    const Attribute& attribute = dictionary.attributes()[index];
    const std::string_view key = dictionary.string(attribute.key);
    if (key == kPidKey) process.pid = to_number(dictionary, attribute);
    if (key == kExecutableKey) process.executable = to_text(dictionary, attribute);
  }
  if (process.pid == 0) return std::nullopt;
  return process;
}

bool is_process_label(std::string_view key) { return key == kPidKey || key == kExecutableKey; }

std::string_view stack_end_of(const Dictionary& dictionary, Index set) {
  for (const Index index : dictionary.attribute_sets()[set].attributes) {
    const Attribute& attribute = dictionary.attributes()[index];
    const Index* const text = std::get_if<Index>(&attribute.value);
    if (text != nullptr && dictionary.string(attribute.key) == kStackEndKey) {
      return dictionary.string(*text);
    }
  }
  return {};
}

std::vector<Index> process_labels(Dictionary& dictionary, const Process& process) {
  std::vector<Index> labels = {dictionary.int_attribute(kPidKey, process.pid)};
  if (!process.executable.empty()) {
    labels.push_back(dictionary.string_attribute(kExecutableKey, process.executable));
  }
  return labels;
}

Process process_of(const encoder::Resource& resource) {
  Process process;
  for (const encoder::LiteralAttribute& attribute : resource.attributes) {
    const auto* text = std::get_if<std::string>(&attribute.value);
    if (attribute.key == kPidKey) {
      const auto* number = std::get_if<std::int64_t>(&attribute.value);
      if (number != nullptr) process.pid = *number;
    } else if (text == nullptr) {
      continue;
    } else if (attribute.key == kServiceKey) {
      process.service = *text;
    } else if (attribute.key == kInstanceKey) {
      process.instance = *text;
    } else if (attribute.key == kExecutableKey) {
      process.executable = *text;
    }
  }
  return process;
}

std::vector<std::string> process_comments(const Process& process) {
  std::vector<std::string> lines;
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) lines.push_back(std::string(key) + "=" + value);
  };
  add(kPidKey, process.pid != 0 ? std::to_string(process.pid) : "");
  add(kExecutableKey, process.executable);
  add(kServiceKey, process.service);
  add(kInstanceKey, process.instance);
  return lines;
}

Process process_of_comments(const Dictionary& dictionary, const std::vector<Index>& comments) {
  Process process;
  for (const Index comment : comments) {
    const std::string_view line = dictionary.string(comment);
    const std::size_t equals = std::min(line.find('='), line.size());
    const std::string_view key = line.substr(0, equals);
    const std::string value(line.substr(std::min(equals + 1, line.size())));
    if (key == kPidKey) process.pid = to_number(value);
    if (key == kExecutableKey) process.executable = value;
    if (key == kServiceKey) process.service = value;
    if (key == kInstanceKey) process.instance = value;
  }
  return process;
}

std::string thread_of(const Dictionary& dictionary, Index set) {
  std::string id;
  for (const Index index : dictionary.attribute_sets()[set].attributes) {
    const Attribute& attribute = dictionary.attributes()[index];
    const std::string_view key = dictionary.string(attribute.key);
    if (is_any(kThreadNames, key)) return to_text(dictionary, attribute);
    if (is_any(kThreadIds, key)) id = to_text(dictionary, attribute);
  }
  return id;
}

}  // namespace otprof::tools
