// SPDX-License-Identifier: Apache-2.0
#include "test/truth/unwind/odd_code.h"

#include <alloca.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "agent/unwind/module.h"
#include "test/truth/unwind/scenarios.h"

extern "C" {
unsigned long odd_leaf_without_tables(unsigned long);
unsigned long odd_framed_without_tables(unsigned long (*)(unsigned long), unsigned long);
unsigned long odd_saves_everything(unsigned long (*)(unsigned long), unsigned long);
}

namespace otprof::test {
namespace {

struct alignas(64) Line {
  unsigned long words[8];
};

[[gnu::noinline]] void fill(Line* line, unsigned long value) {
  for (unsigned long& word : line->words) word = value;
}

[[gnu::noinline]] unsigned long realigned(unsigned long value) {
  Line line;
  fill(&line, value);
  return line.words[3];
}

// The address of the arguments must survive both the realignment and the dynamic size.
[[gnu::noinline]] unsigned long realigned_dynamic(unsigned long a, unsigned long b, unsigned long c,
                                                  unsigned long d, unsigned long e, unsigned long f,
                                                  unsigned long on_stack) {
  Line line;
  fill(&line, a + b + c + d + e + f);
  auto* bytes = static_cast<char*>(alloca(on_stack));
  memset(bytes, 1, on_stack);
  Line second;
  fill(&second, on_stack);
  return line.words[1] + second.words[2] + static_cast<unsigned long>(bytes[0]) + on_stack;
}

[[gnu::noinline, gnu::target("avx2")]] unsigned long realigned_vector(unsigned long count) {
  std::array<double, 64> numbers;
  Line line;
  fill(&line, count);
  for (unsigned i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<double>(i * count);
  double sum = 0;
  for (const double number : numbers) sum += number * number;
  return static_cast<unsigned long>(sum) + line.words[0];
}

[[gnu::noinline]] unsigned long tail_c(unsigned long value) { return realigned(value) + 1; }
[[gnu::noinline]] unsigned long tail_b(unsigned long value) { return tail_c(value * 3); }
[[gnu::noinline]] unsigned long tail_a(unsigned long value) {
  realigned(value);
  return tail_b(value + 1);
}

unsigned long callback(unsigned long value) { return realigned(value) + 1; }

void on_signal(int signal_number, siginfo_t*, void*) {
  sink = sink + realigned(static_cast<unsigned long>(signal_number));
  if (signal_number == SIGUSR1) raise(SIGUSR2);
}

void install(int signal_number, int flags) {
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | flags;
  sigaction(signal_number, &action, nullptr);
}

constexpr std::size_t kSmallStack = 16384;  // PTHREAD_STACK_MIN
alignas(4096) std::array<std::byte, 2 * kSmallStack> thread_stack;

void* returning_thread(void* argument) {
  sink = sink + realigned(reinterpret_cast<std::uintptr_t>(argument));
  return argument;
}

struct OnExit {
  ~OnExit() { sink = sink + 1; }
  bool touched = false;
};

[[gnu::noinline]] void exit_thread() {
  OnExit on_exit;
  pthread_exit(nullptr);
}

void* exiting_thread(void*) {
  static thread_local OnExit on_thread_exit;
  on_thread_exit.touched = true;
  exit_thread();
  return nullptr;
}

void run_thread(void* (*function)(void*), std::size_t stack_size) {
  const auto low = reinterpret_cast<std::uintptr_t>(thread_stack.data());
  announce_thread_stack({low, low + stack_size});
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, thread_stack.data(), stack_size);
  pthread_t thread;
  pthread_create(&thread, &attributes, function, nullptr);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace

void realigned_stacks() {
  sink = sink + realigned(3);
  sink = sink + realigned_dynamic(1, 2, 3, 4, 5, 6, 200);
  if (__builtin_cpu_supports("avx2")) sink = sink + realigned_vector(3);
}

void tail_calls() { sink = sink + tail_a(5); }

void without_tables() {
  sink = sink + odd_leaf_without_tables(5);
  sink = sink + odd_framed_without_tables(callback, 6);
  sink = sink + odd_saves_everything(callback, 7);
}

void signal_handlers() {
  install(SIGUSR1, 0);
  install(SIGUSR2, SA_RESTART);
  raise(SIGUSR1);
  kill(getpid(), SIGUSR2);
}

void alternate_stack() {
  static std::array<std::byte, 65536> memory;
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  sigaltstack(&stack, nullptr);
  install(SIGUSR2, SA_ONSTACK);
  raise(SIGUSR2);
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, nullptr);
}

void threads() {
  run_thread(returning_thread, kSmallStack);
  run_thread(exiting_thread, 2 * kSmallStack);
}

void processes() {
  pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  child = vfork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  char name[] = "true";
  char* arguments[] = {name, nullptr};
  if (posix_spawn(&child, "/bin/true", nullptr, nullptr, arguments, environ) == 0) {
    waitpid(child, nullptr, 0);
  }
}

void load_module() {
  void* handle = dlopen("libutil.so.1", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return;
  unwind::know_loaded_modules();
  sink = sink + (dlsym(handle, "no_such_symbol") != nullptr ? 1 : 0);
  dlclose(handle);
  unwind::know_loaded_modules();
}

}  // namespace otprof::test
