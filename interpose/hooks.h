// SPDX-License-Identifier: Apache-2.0
//
// The seam between the interposed libc functions and the agent: interpose/ calls these hooks and
// knows nothing else of it. Unset hooks are not called, so that the functions pass straight through
// in a process that is not profiled.
#pragma once

#include <signal.h>

struct sock_fprog;

namespace otprof::interpose {

struct Hooks {
  // The main thread is about to end by pthread_exit while others may go on.
  void (*main_thread_exits)() noexcept = nullptr;
  // The calling thread is about to enter strict seccomp, where nothing of the agent's can run: not
  // even the clock may be read.
  void (*strict_sandbox_begins)() noexcept = nullptr;
  // The process is about to end, and no exit handler is going to run: by _exit. Also called in signal
  // handlers, in children of vfork, and by several threads at once.
  void (*process_exits)() noexcept = nullptr;
  // The same by abort, or the default action of a signal. It may yet go on (a handler of SIGABRT that jumps).
  void (*process_ends)() noexcept = nullptr;
  // The calling thread is about to put a filter on its system calls, and on those of the threads it
  // makes, or of all there are. It may end the process for calls that the program itself does not need.
  void (*filter_sandbox_begins)(const sock_fprog* filter,
                                bool is_for_all_threads) noexcept = nullptr;
  // The calling thread is about to have its system calls made into signals, which end it as it
  // returns from a handler that knows nothing of that.
  void (*dispatch_begins)() noexcept = nullptr;
  // The calling thread is about to have a tracer, which sees every signal.
  void (*tracing_begins)() noexcept = nullptr;
  // Around a call that changes users or groups of all threads, on the one that makes it. False when the other
  // threads may be permitted what this one is not.
  bool (*identity_changes)() noexcept = nullptr;
  void (*identity_changed)() noexcept = nullptr;
  // The calling thread is about to give all threads that share its file system state another root.
  void (*root_changes)() noexcept = nullptr;
  // Around a system call that works only while the calling thread is the process's one thread.
  void (*before_single_threaded_call)() noexcept = nullptr;
  void (*after_single_threaded_call)() noexcept = nullptr;
  // Around each dlclose, on the calling thread. errno is kept.
  void (*before_module_unload)() noexcept = nullptr;
  void (*after_module_unload)() noexcept = nullptr;
};

// Once, from the agent's constructor.
void set_hooks(const Hooks& hooks) noexcept;

// Called before each thread that pthread_create makes, on the thread that makes it; nullptr: no
// longer. Any thread.
void call_before_thread_start(void (*hook)() noexcept) noexcept;

// Called on each thread that pthread_create makes, before its own routine; nullptr: no longer.
// Any thread.
void call_on_thread_start(void (*hook)() noexcept) noexcept;

using SignalHandler = void (*)(int, siginfo_t*, void*) noexcept;

// Takes `signal` for the agent: `handler` is installed for good, with every signal blocked while it
// runs. From then on the program's sigaction and signal calls for it are answered from a record of
// what the program asked for, and no thread can block it by pthread_sigmask, sigprocmask or a
// handler's sa_mask; the program is shown the masks it set. A second call changes nothing.
// False when the kernel refuses, or the program has taken the signal over by a raw system call. Any thread.
bool guard_signal(int signal, SignalHandler handler) noexcept;

// Lets this thread's guarded signals through, should it have started with some of them blocked; the
// program goes on believing they are.
void unblock_guarded_signals() noexcept;

// In a forked child: it goes on guarding what its parent did. Any other new process leaves its signals to
// the kernel as soon as it asks for them.
void guard_on_in_child() noexcept;
// A filter of system calls does not let getpid(2) through, by which such processes are recognised.
void never_ask_for_process() noexcept;

// From now on the default action of SIGHUP, SIGINT and SIGTERM is preceded by the process_ends hook.
// The program sees these signals as they are without us. Not for the first process of a pid
// namespace, for which there are no default actions. Any thread.
void watch_end_signals() noexcept;

// The kernel has no handler of ours any more for guarded signals, and none of them is pending: they are
// ignored, or, if the agent `has_done` with them for good, as the program wants them.
void leave_guarded_signals(bool has_done) noexcept;
// The same for the signals of watch_end_signals(): they have their default action again.
void leave_end_signals() noexcept;
// After leave_guarded_signals(true): this thread has those blocked that the program believes to be.
void block_as_believed() noexcept;

// The program has a seccomp filter that does not let sigaltstack(2) through: nor is it called any more where
// memory is unmapped, which may be such a stack.
void never_look_at_alternate_stacks() noexcept;

// While `drop`, a guarded signal that is not the agent's is nobody's; not in children made meanwhile. Any
// thread.
void drop_guarded_signals(bool drop) noexcept;

// True as long as the kernel still has the handler given to guard_signal(): a program may have put
// its own in place by a raw system call. (While a program is executed, an ignored signal has none for a
// moment.) Any thread.
bool owns_signal(int signal) noexcept;

// True when the kernel has a handler for the signal, whoever installed it. Any thread.
bool has_handler(int signal) noexcept;

// Does with a guarded signal what would have happened without us: the program's handler with the
// mask and flags it asked for, nothing, or the default action. Only from within the handler.
void pass_on_signal(int signal, siginfo_t* info, void* context) noexcept;

}  // namespace otprof::interpose
