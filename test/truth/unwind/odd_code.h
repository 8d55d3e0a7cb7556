// SPDX-License-Identifier: Apache-2.0
//
// Scenarios whose point is the shape of the code or of the stack rather than what is computed.
#pragma once

namespace otprof::test {

void realigned_stacks();  // frames that realign the stack pointer, with a dynamic size too
void tail_calls();
void without_tables();   // assembly without unwind tables: a leaf, and one with a frame pointer
void signal_handlers();  // on the interrupted stack, nested, and interrupting a leaf function
void alternate_stack();  // sigaltstack
void threads();          // start, exit by return and by pthread_exit, on stacks of 16 KiB
void processes();        // fork, vfork, posix_spawn
void load_module();      // dlopen, dlsym, dlclose

}  // namespace otprof::test
