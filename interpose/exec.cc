// SPDX-License-Identifier: Apache-2.0
//
// The exec family and posix_spawn. A program that is executed inherits which signals are ignored and
// which are blocked, but no handlers: where the program has been made to believe that it ignores or
// blocks a signal of the agent's, the kernel must have it so at that moment.
//
// All but the two spawns are async-signal-safe, and run in the child of a vfork: nothing that they do
// there writes to memory other than their own stack. What such a child changes of its signals, and
// what AsBelieved does, is between it and the kernel.
#include <spawn.h>
#include <stdarg.h>
#include <unistd.h>

#include "interpose/next.h"
#include "interpose/signal_guard.h"

namespace otprof::interpose {
namespace {

using Strings = char* const*;

struct Real {
  int (*execve)(const char*, Strings, Strings) = next<decltype(execve)>("execve");
  int (*execvpe)(const char*, Strings, Strings) = next<decltype(execvpe)>("execvpe");
  int (*fexecve)(int, Strings, Strings) = next<decltype(fexecve)>("fexecve");
  int (*execveat)(int, const char*, Strings, Strings, int) = next<decltype(execveat)>("execveat");
  decltype(&::posix_spawn) spawn = next<decltype(spawn)>("posix_spawn");
  decltype(&::posix_spawnp) spawnp = next<decltype(spawnp)>("posix_spawnp");
};

const Real& real() noexcept {
  static const Real functions;
  return functions;
}

// Looking functions up is not async-signal-safe, so it is done before a handler can need it.
[[gnu::constructor]] void look_up_early() { real(); }

// Arguments up to the null that ends them, the first included.
std::size_t count_arguments(va_list arguments) noexcept {
  std::size_t count = 1;
  while (va_arg(arguments, const char*) != nullptr) {
    ++count;
  }
  return count;
}

void gather_arguments(const char** to, const char* first, va_list arguments) noexcept {
  *to = first;
  while (*to != nullptr) {
    *++to = va_arg(arguments, const char*);
  }
}

}  // namespace
}  // namespace otprof::interpose

using otprof::interpose::AsBelieved;
using otprof::interpose::count_arguments;
using otprof::interpose::gather_arguments;
using otprof::interpose::real;

// The array of a variadic exec's arguments, on the caller's stack as in libc; `last` is the named
// parameter before the variable ones.
// NOLINTBEGIN(bugprone-macro-parentheses): `array` is declared here
#define OTPROF_GATHER(array, first, last)                                                         \
  va_list counted;                                                                                \
  va_start(counted, last);                                                                        \
  const std::size_t array##_size = count_arguments(counted) + 1;                                  \
  va_end(counted);                                                                                \
  auto** array = static_cast<const char**>(__builtin_alloca(array##_size * sizeof(const char*))); \
  va_list given;                                                                                  \
  va_start(given, last);                                                                          \
  gather_arguments(array, first, given)
// NOLINTEND(bugprone-macro-parentheses)

extern "C" {

[[gnu::visibility("default")]] int execve(const char* path, char* const arguments[],
                                          char* const environment[]) noexcept {
  const AsBelieved scope;
  return real().execve(path, arguments, environment);
}

[[gnu::visibility("default")]] int execv(const char* path, char* const arguments[]) noexcept {
  const AsBelieved scope;
  return real().execve(path, arguments, environ);
}

[[gnu::visibility("default")]] int execvpe(const char* file, char* const arguments[],
                                           char* const environment[]) noexcept {
  const AsBelieved scope;
  return real().execvpe(file, arguments, environment);
}

[[gnu::visibility("default")]] int execvp(const char* file, char* const arguments[]) noexcept {
  const AsBelieved scope;
  return real().execvpe(file, arguments, environ);
}

[[gnu::visibility("default")]] int fexecve(int fd, char* const arguments[],
                                           char* const environment[]) noexcept {
  const AsBelieved scope;
  return real().fexecve(fd, arguments, environment);
}

[[gnu::visibility("default")]] int execveat(int fd, const char* path, char* const arguments[],
                                            char* const environment[], int flags) noexcept {
  const AsBelieved scope;
  return real().execveat(fd, path, arguments, environment, flags);
}

[[gnu::visibility("default")]] int execl(const char* path, const char* first, ...) noexcept {
  OTPROF_GATHER(arguments, first, first);
  va_end(given);
  const AsBelieved scope;
  return real().execve(path, const_cast<char**>(arguments), environ);
}

[[gnu::visibility("default")]] int execlp(const char* file, const char* first, ...) noexcept {
  OTPROF_GATHER(arguments, first, first);
  va_end(given);
  const AsBelieved scope;
  return real().execvpe(file, const_cast<char**>(arguments), environ);
}

[[gnu::visibility("default")]] int execle(const char* path, const char* first, ...) noexcept {
  OTPROF_GATHER(arguments, first, first);
  char** environment = va_arg(given, char**);
  va_end(given);
  const AsBelieved scope;
  return real().execve(path, const_cast<char**>(arguments), environment);
}

[[gnu::visibility("default")]] int posix_spawn(pid_t* pid, const char* path,
                                               const posix_spawn_file_actions_t* actions,
                                               const posix_spawnattr_t* attributes,
                                               char* const arguments[], char* const environment[]) {
  const AsBelieved scope;
  return real().spawn(pid, path, actions, attributes, arguments, environment);
}

[[gnu::visibility("default")]] int posix_spawnp(pid_t* pid, const char* file,
                                                const posix_spawn_file_actions_t* actions,
                                                const posix_spawnattr_t* attributes,
                                                char* const arguments[],
                                                char* const environment[]) {
  const AsBelieved scope;
  return real().spawnp(pid, file, actions, attributes, arguments, environment);
}
}
