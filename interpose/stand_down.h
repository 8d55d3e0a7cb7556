// SPDX-License-Identifier: Apache-2.0
//
// Whether this process is one the library must leave alone. Asked twice: by the first allocation, which may be
// served from the bundled allocator, and first of all in the agent's constructor. Both come to the same: what
// decides is what the process was started with. Reads only the arguments and environment it is given, the
// auxiliary vector and what the loader has mapped; allocates nothing, and needs no constructor to have run.
#pragma once

namespace otprof::interpose {

// nullptr: go ahead. "": stand down without a word (it was asked for, or profiling was meant for
// another program). Otherwise the reason, for one line: profiling this program would harm it.
// `arguments` and `environment` end with a null, as the constructor gets them.
const char* reason_to_stand_down(const char* const* arguments,
                                 const char* const* environment) noexcept;

}  // namespace otprof::interpose
