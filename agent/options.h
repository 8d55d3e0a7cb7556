// SPDX-License-Identifier: Apache-2.0
//
// The agent's configuration: the table in options.def, read once from the environment the process
// was started with. The environment is never read again: hosts replace getenv, free or overwrite
// environ, and change it from other threads.
//
// Promises: every field always holds an accepted value. A wrong one is replaced by the default with
// one warning that names the variable, the value, what is accepted and what is used instead; a variable
// of ours that does not exist gets one, too.
// Read by the constructor and, unchanged from then on, by any thread.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/option_values.h"

namespace otprof::agent {

namespace option_type {
using boolean = bool;
using integer = std::int64_t;
using bytes = std::int64_t;
using duration = std::int64_t;
using latency = std::int64_t;
using percent = double;
using choice = int;
using set = unsigned;
using sampling = SamplingWish;
using text = std::string;
}  // namespace option_type

// Position of each row of options.def.
enum class OptionId : unsigned {
#define OTPROF_OPTION(field, variable, kind, default_text, accepted, help) field,
#include "agent/options.def"
#undef OTPROF_OPTION
  kCount
};

enum class LogLevel : int { kError, kWarn, kInfo, kDebug };
enum class ForkChoice : int { kFollow, kOff };
enum class UnwinderChoice : int { kCfi, kFramePointers, kLibunwind };
enum class SymbolizeChoice : int { kNone, kSymbols, kLines };
enum class AllocatorChoice : int { kSystem, kJemalloc };
enum class CompressionChoice : int { kGzip, kNone };
inline constexpr unsigned kExportOtlp = 1U << 0;
inline constexpr unsigned kExportPprof = 1U << 1;

struct Options {
#define OTPROF_OPTION(field, variable, kind, default_text, accepted, help) \
  option_type::kind field{};
#include "agent/options.def"
#undef OTPROF_OPTION
  // Which variables were set to an accepted value.
  std::bitset<static_cast<unsigned>(OptionId::kCount)> given;

  bool is_given(OptionId id) const { return given[static_cast<unsigned>(id)]; }
  LogLevel level() const { return static_cast<LogLevel>(log_level); }
};

// Told of each wrong value, in table order, then of each variable named OTPROF_* that is not in it.
using OptionWarning = void (*)(void* context, std::string_view message);

// All defaults, overridden by `environment` (NAME=value strings, null-terminated array). When a
// name occurs twice the first counts, as with getenv.
Options read_options(const char* const* environment, OptionWarning warn, void* context);

// The value of one variable in such an array; null if it is not there.
const char* find_variable(const char* const* environment, std::string_view name) noexcept;

}  // namespace otprof::agent
