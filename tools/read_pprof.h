// SPDX-License-Identifier: Apache-2.0
//
// pprof bytes (google/pprof, perftools.profiles.Profile; already decompressed) -> Profile.
//
// Promises: accepts what `go tool pprof` accepts (standards: ids not 0 and unique, every reference
// known, as many values as sample types) and refuses the rest with InputError; samples that agree in
// stack, labels and trace are summed. Labels become attributes; trace_id and span_id of the right
// length become a link. Any thread, one per dictionary.
#pragma once

#include <string_view>

#include "encoder/dictionary.h"
#include "encoder/profile.h"

namespace otprof::tools {

// Deeper stacks are refused: no unwinder makes them, and each costs its depth in every view.
inline constexpr std::size_t kMaxStackDepth = 16384;
inline constexpr std::size_t kMaxLinesPerLocation = 1024;

encoder::Profile read_pprof(std::string_view message, encoder::Dictionary& dictionary);

}  // namespace otprof::tools
