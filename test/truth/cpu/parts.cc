// SPDX-License-Identifier: Apache-2.0
#include "test/truth/cpu/parts.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "test/truth/cpu/small_functions.h"

using truth::compute;
using truth::thread_ns;

namespace {

// Some 100 us of work at a time: a look at the clock costs 0.2 us, in the kernel.
template <typename Work>
[[gnu::always_inline]] inline void until(std::uint64_t end, Work&& work) {
  do {
    work();
  } while (thread_ns() < end);
}

[[gnu::always_inline]] inline unsigned leaf_loop(unsigned x) {
  for (int i = 0; i < 120000; ++i) {
    x = x * 69069u + 1u;
    __asm__ volatile("" : "+r"(x));
  }
  return x;
}

volatile unsigned kept;

// Saves all six registers, and does nothing.
template <int Number>
[[gnu::noinline]] int saves_all(int x) {
  __asm__ volatile("" : "+r"(x) : : "rbx", "rbp", "r12", "r13", "r14", "r15");
  return x + Number;
}

// Has pushes and a frame of its own, and calls another such.
template <int Number>
[[gnu::noinline]] int saves_and_calls(int x) {
  volatile int local[4] = {x, x, x, x};
  x = saves_all<Number>(x);
  __asm__ volatile("" : "+r"(x) : : "rbx", "r12");
  return x + saves_all<Number + 1>(local[1]);
}

struct Destroyed {
  ~Destroyed() { kept = kept + 1; }
};

[[gnu::noinline]] int throw_below(int depth) {
  const Destroyed destroyed;
  if (depth == 0) throw std::runtime_error("thrown");
  return throw_below(depth - 1) + 1;
}

[[gnu::noinline]] void descend(int depth, std::uint64_t end) {
  if (depth > 0) {
    descend(depth - 1, end);
  } else {
    until(end, compute);
  }
  __asm__ volatile("");  // no tail call
}

[[gnu::noinline]] unsigned frame_of_any_size(std::size_t size) {
  auto* bytes = static_cast<volatile char*>(alloca(size));
  for (std::size_t i = 0; i < size; i += 64) bytes[i] = 1;
  return static_cast<unsigned>(bytes[0]);
}

[[gnu::noinline]] unsigned realigned_frame(unsigned x) {
  alignas(64) volatile unsigned values[16];
  for (unsigned i = 0; i < 16; ++i) values[i] = x + i;
  return values[x % 16] + frame_of_any_size(values[3] % 512 + 16);
}

}  // namespace

extern "C" {

[[gnu::noinline]] void part_seventy(std::uint64_t end) { until(end, compute); }
[[gnu::noinline]] void part_thirty(std::uint64_t end) {
  until(end, compute);
  __asm__ volatile("");
}
[[gnu::noinline]] void part_plain(std::uint64_t end) {
  until(end, compute);
  __asm__ volatile("nop");
}
[[gnu::noinline]] void part_thread(std::uint64_t end) {
  until(end, compute);
  __asm__ volatile("nop; nop");
}

[[gnu::noinline]] void part_inlines_it(std::uint64_t end) {
  until(end, [] { kept = leaf_loop(1); });
}
[[gnu::noinline]] void part_inlines_it_too(std::uint64_t end) {
  until(end, [] { kept = leaf_loop(2); });
  __asm__ volatile("nop");
}

[[gnu::noinline]] void part_prologues(std::uint64_t end) {
  until(end, [] {
    int x = 1;
    for (int i = 0; i < 6000; ++i) {
      x = saves_all<0>(x) + saves_all<10>(x) + saves_and_calls<20>(x) + saves_and_calls<30>(x);
    }
    kept = static_cast<unsigned>(x);
  });
}

[[gnu::noinline]] void part_plt(std::uint64_t end) {
  until(end, [] {
    int x = 1;
    for (int i = 0; i < 20000; ++i) {
      x = small_one(x) + small_two(x) + small_three(x) + small_four(x);
    }
    kept = static_cast<unsigned>(x);
  });
}

[[gnu::noinline]] void part_vdso(std::uint64_t end) {
  until(end, [] {
    for (int i = 0; i < 4000; ++i) kept = static_cast<unsigned>(truth::clock_ns(CLOCK_MONOTONIC));
  });
}

[[gnu::noinline]] void part_system_calls(std::uint64_t end) {
  static char buffer[65536];
  const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  until(end, [zero] {
    for (int i = 0; i < 20; ++i) kept = static_cast<unsigned>(read(zero, buffer, sizeof buffer));
  });
  close(zero);
}

[[gnu::noinline]] void part_throws(std::uint64_t end) {
  until(end, [] {
    for (int i = 0; i < 8; ++i) {
      try {
        kept = static_cast<unsigned>(throw_below(8));
      } catch (const std::runtime_error& error) {
        kept = static_cast<unsigned char>(error.what()[0]);
      }
    }
  });
}

[[gnu::noinline]] void part_200_deep(std::uint64_t end) {
  descend(200, end);
  __asm__ volatile("");
}

[[gnu::noinline]] void part_odd_frames(std::uint64_t end) {
  until(end, [] {
    for (unsigned i = 0; i < 6000; ++i) kept = realigned_frame(i);
  });
}
}
