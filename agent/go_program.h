// SPDX-License-Identifier: Apache-2.0
//
// Whether the executable is a Go program (with cgo, or it would not load libraries). Its runtime puts
// handlers of its own in place for all signals when it starts, after every library's constructor,
// and ends the program at a SIGTRAP it did not expect.
#pragma once

namespace otprof::agent {

// Reads only what the loader has mapped; any thread.
bool is_go_program() noexcept;

}  // namespace otprof::agent
