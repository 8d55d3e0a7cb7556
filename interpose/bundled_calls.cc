// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the bundled allocator, which is compiled to call these. As those of glibc's
// malloc they go past whatever the program has under the public names, which may allocate; and none of them
// changes errno, since free() must not.
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstddef>

namespace {

// As syscall(2), errno excepted.
long call_kernel(long number, long first, long second, long third, long fourth, long fifth,
                 long sixth) noexcept {
  long result = number;
  register long r10 __asm__("r10") = fourth;
  register long r8 __asm__("r8") = fifth;
  register long r9 __asm__("r9") = sixth;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(first), "S"(second), "d"(third), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  constexpr long kLastError = -4095;
  return result < 0 && result >= kLastError ? -1 : result;
}

long argument(void* pointer) noexcept { return reinterpret_cast<long>(pointer); }

}  // namespace

extern "C" {

[[gnu::visibility("hidden")]] void* otprof_host_mmap(void* address, std::size_t length,
                                                     int protection, int flags, int file,
                                                     off_t offset) noexcept {
  return reinterpret_cast<void*>(call_kernel(SYS_mmap, argument(address), static_cast<long>(length),
                                             protection, flags, file, offset));
}

[[gnu::visibility("hidden")]] int otprof_host_munmap(void* address, std::size_t length) noexcept {
  return static_cast<int>(
      call_kernel(SYS_munmap, argument(address), static_cast<long>(length), 0, 0, 0, 0));
}

[[gnu::visibility("hidden")]] int otprof_host_madvise(void* address, std::size_t length,
                                                      int advice) noexcept {
  return static_cast<int>(
      call_kernel(SYS_madvise, argument(address), static_cast<long>(length), advice, 0, 0, 0));
}

[[gnu::visibility("hidden")]] int otprof_host_mprotect(void* address, std::size_t length,
                                                       int protection) noexcept {
  return static_cast<int>(
      call_kernel(SYS_mprotect, argument(address), static_cast<long>(length), protection, 0, 0, 0));
}

// Called as if it had a variable list of arguments, of which it finds as many as there are.
[[gnu::visibility("hidden")]] long otprof_host_syscall(long number, long first, long second,
                                                       long third, long fourth,
                                                       long fifth) noexcept {
  return call_kernel(number, first, second, third, fourth, fifth, 0);
}
}
