// SPDX-License-Identifier: Apache-2.0
#include "agent/options.h"

#include <cstring>

#include "agent/option_values.h"

namespace otprof::agent {
namespace {

// A value as a warning shows it: control characters replaced, at most 100 bytes.
std::string quoted(std::string_view value) {
  constexpr std::size_t kMost = 100;
  std::string shown = "\"";
  for (const char c : value.substr(0, kMost)) {
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  shown += value.size() > kMost ? "...\"" : "\"";
  return shown;
}

constexpr std::string_view kOwnPrefix = "OTPROF_";

bool is_known(std::string_view variable) {
#define OTPROF_OPTION(field, name, kind, default_text, accepted, help) \
  if (variable == (name)) {                                            \
    return true;                                                       \
  }
#include "agent/options.def"
#undef OTPROF_OPTION
  return false;
}

// A variable that is spelled wrong would otherwise be ignored without a word.
void warn_of_unknown(const char* const* environment, OptionWarning warn, void* context) {
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    const std::string_view variable = entry.substr(0, entry.find('='));
    if (variable.starts_with(kOwnPrefix) && !is_known(variable)) {
      warn(context, quoted(variable) + " is no known variable and is ignored; `otprof options` " +
                        "lists those that are");
    }
  }
}

}  // namespace

const char* find_variable(const char* const* environment, std::string_view name) noexcept {
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    if (std::strncmp(*environment, name.data(), name.size()) == 0 &&
        (*environment)[name.size()] == '=') {
      return *environment + name.size() + 1;
    }
  }
  return nullptr;
}

Options read_options(const char* const* environment, OptionWarning warn, void* context) {
  Options options;
  const auto read = [&](OptionId id, std::string_view variable, std::string_view default_text,
                        std::string_view accepted, auto parse, auto& field) {
    parse(default_text, accepted, field);
    const char* raw = find_variable(environment, variable);
    const std::string_view value = raw == nullptr ? std::string_view{} : trimmed(raw);
    if (value.empty()) {
      return;
    }
    if (parse(value, accepted, field)) {
      options.given[static_cast<unsigned>(id)] = true;
      return;
    }
    std::string message(variable);
    message.append("=").append(quoted(value)).append(" is not accepted (");
    message.append(accepted).append("); using ").append(default_text);
    warn(context, message);
  };
#define OTPROF_OPTION(field, variable, kind, default_text, accepted, help) \
  read(OptionId::field, variable, default_text, accepted, parse_##kind, options.field);
#include "agent/options.def"
#undef OTPROF_OPTION
  warn_of_unknown(environment, warn, context);
  return options;
}

}  // namespace otprof::agent
