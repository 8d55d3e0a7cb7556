// SPDX-License-Identifier: Apache-2.0
#include "tools/command.h"

#include <algorithm>
#include <charconv>

namespace otprof::tools {
namespace {

const Option& find_option(const Command& command, std::string_view word) {
  const auto found = std::ranges::find_if(command.options, [&](const Option& option) {
    return word == option.name || (!option.letter.empty() && word == option.letter);
  });
  if (found == command.options.end()) {
    throw UsageError("unknown option '" + std::string(word) + "'");
  }
  return *found;
}

}  // namespace

std::optional<std::string> Arguments::value(std::string_view option) const {
  const auto found = values_.find(option);
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

std::int64_t Arguments::number(std::string_view option, std::int64_t fallback, std::int64_t low,
                               std::int64_t high) const {
  const std::optional<std::string> text = value(option);
  if (!text) return fallback;
  std::int64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || stop != end || number < low || number > high) {
    throw UsageError(std::string(option) + " takes a number from " + std::to_string(low) + " to " +
                     std::to_string(high) + ", not '" + *text + "'");
  }
  return number;
}

Arguments parse_arguments(const Command& command, const std::vector<std::string>& words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool is_option = word.size() > 1 && word.front() == '-';
    if (word == "--" || (!is_option && command.ends_at_operand)) {
      const std::size_t first = word == "--" ? i + 1 : i;
      arguments.operands.insert(arguments.operands.end(),
                                words.begin() + static_cast<std::ptrdiff_t>(first), words.end());
      break;
    }
    if (!is_option) {
      arguments.operands.push_back(word);
      continue;
    }
    // "--out=DIR" as well as "--out DIR", and "-n5" as well as "-n 5".
    const bool is_long = word.starts_with("--");
    const std::size_t end = is_long ? word.find('=') : word.size() > 2 ? 2 : std::string::npos;
    const Option& option = find_option(command, std::string_view(word).substr(0, end));
    const bool has_value = end != std::string::npos;
    if (option.value.empty()) {
      if (has_value) throw UsageError(std::string(option.name) + " takes no value");
      arguments.values_[std::string(option.name)] = "";
    } else if (has_value) {
      arguments.values_[std::string(option.name)] = word.substr(end + (is_long ? 1 : 0));
    } else if (i + 1 < words.size()) {
      arguments.values_[std::string(option.name)] = words[++i];
    } else {
      throw UsageError(std::string(option.name) + " needs a value: " + std::string(option.value));
    }
  }
  return arguments;
}

std::string help_text(const Command& command) {
  std::string text = "usage: otprof " + std::string(command.name);
  if (!command.options.empty()) text += " [OPTIONS]";
  if (!command.operands.empty()) text += " " + std::string(command.operands);
  text += "\n\n" + std::string(command.summary) + "\n";
  if (!command.details.empty()) text += "\n" + std::string(command.details);
  if (command.options.empty()) return text;
  std::vector<std::string> left;
  std::size_t width = 0;
  for (const Option& option : command.options) {
    std::string cell = "  ";
    if (!option.letter.empty()) cell += std::string(option.letter) + ", ";
    cell += option.name;
    if (!option.value.empty()) cell += " " + std::string(option.value);
    width = std::max(width, cell.size());
    left.push_back(std::move(cell));
  }
  text += "\n";
  for (std::size_t i = 0; i < left.size(); ++i) {
    left[i].resize(width + 2, ' ');
    text += left[i] + std::string(command.options[i].help) + "\n";
  }
  return text;
}

}  // namespace otprof::tools
