// SPDX-License-Identifier: Apache-2.0
#include "test/truth/unwind/scenarios.h"

#include <alloca.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "test/truth/unwind/odd_code.h"

namespace otprof::test {

volatile unsigned long sink = 0;

namespace {

void use(double value) { sink = sink + static_cast<unsigned long>(value); }
void use(unsigned long value) { sink = sink + value; }

std::vector<int> scrambled(unsigned count) {
  std::vector<int> numbers;
  unsigned state = 12345;
  for (unsigned i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    numbers.push_back(static_cast<int>(state >> 8));
  }
  return numbers;
}

void sort_cpp() {
  auto numbers = scrambled(60);
  std::sort(numbers.begin(), numbers.end());
  std::stable_sort(numbers.begin(), numbers.end(), std::greater<>());
  use(static_cast<unsigned long>(numbers.front()));
}

int compare_ints(const void* left, const void* right) {
  const int a = *static_cast<const int*>(left);
  const int b = *static_cast<const int*>(right);
  return a < b ? -1 : a > b;
}

void sort_c() {
  auto numbers = scrambled(60);
  qsort(numbers.data(), numbers.size(), sizeof numbers[0], compare_ints);
  const int key = numbers[7];
  use(bsearch(&key, numbers.data(), numbers.size(), sizeof key, compare_ints) != nullptr ? 1UL
                                                                                         : 0UL);
}

void regular_expression() {
  const std::regex pattern("(a|b)*c+[0-9]{2,3}");
  use(std::regex_match("ababcc123", pattern) ? 1UL : 0UL);
}

struct Cleanup {
  ~Cleanup() { use(1UL); }
  std::string text = "something that does not fit into the string object itself";
};

[[gnu::noinline]] void throw_deep(int depth) {
  Cleanup cleanup;
  if (depth == 0) throw std::runtime_error("deep");
  throw_deep(depth - 1);
  use(static_cast<unsigned long>(cleanup.text.size()));
}

[[gnu::noinline]] void rethrow() {
  Cleanup cleanup;
  try {
    throw_deep(2);
  } catch (const std::runtime_error& error) {
    use(strlen(error.what()));
    throw std::out_of_range("again");
  }
}

void exceptions() {
  try {
    rethrow();
  } catch (const std::exception& error) {
    use(strlen(error.what()));
  }
  try {
    throw 42;
  } catch (int number) {
    use(static_cast<unsigned long>(number));
  }
  try {
    use(std::map<int, int>().at(3) != 0 ? 1UL : 0UL);
  } catch (const std::out_of_range&) {
    use(2UL);
  }
}

// Each of these library functions is called here for the first time in the process: by way of the
// procedure linkage table and the dynamic linker's resolver.
void lazy_binding() {
  use(cbrt(27.0) + lgamma(5.5) + j0(2.0));
  use(static_cast<unsigned long>(a64l("abc")) + static_cast<unsigned long>(labs(-5)));
  use(static_cast<unsigned long>(drand48() * 100));
}

void formatting() {
  char buffer[256];
  snprintf(buffer, sizeof buffer, "%g %a %.20e %Lf %d %s %zu", 3.14159, 1e-300, 2.0 / 3, 1.5L, -7,
           "text", sizeof buffer);
  use(strlen(buffer));
  double value = 0;
  use(static_cast<unsigned long>(sscanf(buffer, "%lf", &value)));
  use(strtod("1.7976931348623157e308", nullptr) > 1 ? 1UL : 0UL);
}

void streams() {
  std::ostringstream stream;
  stream << 42 << ' ' << 2.5 << ' ' << std::string(40, 'x') << std::boolalpha << true;
  use(stream.str().size());
}

void string_functions() {
  std::array<char, 600> text{};
  memset(text.data(), 'a', text.size() - 1);
  memcpy(text.data() + 500, "needle", 6);
  memmove(text.data() + 3, text.data(), 300);
  use(static_cast<unsigned long>(strstr(text.data(), "needle") - text.data()));
  use(strlen(text.data()) + strcspn(text.data(), "n"));
  use(static_cast<unsigned long>(strchr(text.data(), 'n') - text.data()));
  use(memcmp(text.data(), text.data() + 1, 200) == 0 ? 1UL : 0UL);
  use(static_cast<unsigned long>(strcmp(text.data(), "aaab") < 0));
}

void vdso() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  timeval day;
  gettimeofday(&day, nullptr);
  use(static_cast<unsigned long>(time(nullptr) != 0));
}

void math() {
  double sum = 0;
  for (int i = 1; i <= 5; ++i) {
    const double x = i * 1.4;
    sum += sin(x) + exp(x) + pow(x, 1.7) + log(x) + fmod(x, 0.3);
  }
  use(sum);
}

void allocation() {
  std::vector<std::unique_ptr<char[]>> blocks;
  for (std::size_t size = 16; size < 300000; size *= 3) {
    blocks.push_back(std::make_unique<char[]>(size));
    blocks.back()[size - 1] = 1;
  }
  void* block = realloc(malloc(100), 5000);
  use(block != nullptr ? 1UL : 0UL);
  free(block);
  void* aligned = nullptr;
  use(posix_memalign(&aligned, 256, 1000) == 0 ? 1UL : 0UL);
  free(aligned);
}

void containers() {
  std::map<std::string, std::function<int(int)>> table;
  for (int i = 0; i < 12; ++i) {
    table[std::to_string(i * 7919)] = [i](int argument) { return argument + i; };
  }
  int sum = 0;
  for (auto& [name, function] : table) sum = function(sum) + static_cast<int>(name.size());
  use(static_cast<unsigned long>(sum));
}

[[gnu::noinline]] unsigned long recurse(unsigned long n) {
  volatile unsigned long local = n;
  if (n == 0) return 1;
  return recurse(n - 1) + local;
}

void recursion() { use(recurse(40)); }

jmp_buf jump_target;

[[gnu::noinline]] void jump(int depth) {
  volatile int local = depth;
  if (depth == 0 && local == 0) longjmp(jump_target, 1);
  if (depth > 0) jump(depth - 1);
  sink = sink + static_cast<unsigned long>(local);
}

void long_jump() {
  if (setjmp(jump_target) == 0) jump(5);
  sigjmp_buf with_mask;
  volatile int passes = 0;
  if (sigsetjmp(with_mask, 1) == 0 && passes == 0) {
    passes = 1;
    siglongjmp(with_mask, 1);
  }
}

[[gnu::noinline]] unsigned long dynamic_frame(std::size_t size) {
  auto* bytes = static_cast<char*>(alloca(size));
  memset(bytes, 1, size);
  auto* more = static_cast<char*>(alloca(size / 2 + 1));
  memset(more, 2, size / 2 + 1);
  return static_cast<unsigned long>(bytes[size - 1] + more[0]);
}

void dynamic_stack() {
  use(dynamic_frame(10));
  use(dynamic_frame(300000));
}

void environment() {
  setenv("OTPROF_STEPPING_TEST", "1", 1);
  use(getenv("OTPROF_STEPPING_TEST") != nullptr ? 1UL : 0UL);
  unsetenv("OTPROF_STEPPING_TEST");
  time_t now = 1700000000;
  tm broken_down;
  char text[64];
  use(strftime(text, sizeof text, "%A %d %B %Y", gmtime_r(&now, &broken_down)));
}

constexpr Scenario kScenarios[] = {
    {"lazy binding", lazy_binding},
    {"std::sort", sort_cpp},
    {"qsort", sort_c},
    {"recursion", recursion},
    {"string functions", string_functions},
    {"vdso", vdso},
    {"math", math},
    {"setjmp", long_jump},
    {"alloca", dynamic_stack},
    {"realigned stacks", realigned_stacks},
    {"tail calls", tail_calls},
    {"no unwind tables", without_tables},
    {"signal handler", signal_handlers},
    {"signal on alternate stack", alternate_stack},
    {"threads", threads},
    {"fork and spawn", processes},
    {"environment and time", environment},
    {"malloc", allocation},
    {"containers", containers},
    {"printf", formatting},
    {"streams", streams, true},
    {"dlopen", load_module},
    {"exceptions", exceptions},
    {"std::regex", regular_expression, true},
};

}  // namespace

std::span<const Scenario> scenarios() { return kScenarios; }

}  // namespace otprof::test
