// SPDX-License-Identifier: Apache-2.0
//
// Whether this process is one the agent must leave alone. Asked first of all, in the constructor:
// reads only the arguments and environment it is given, the auxiliary vector and what the loader has
// mapped.
#pragma once

namespace otprof::agent {

// nullptr: go ahead. "": stand down without a word (it was asked for, or profiling was meant for
// another program). Otherwise the reason, for one line: profiling this program would harm it.
// `arguments` and `environment` end with a null, as the constructor gets them.
const char* reason_to_stand_down(const char* const* arguments,
                                 const char* const* environment) noexcept;

}  // namespace otprof::agent
