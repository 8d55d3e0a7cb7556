// SPDX-License-Identifier: Apache-2.0
#include "tools/function_starts.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "tools/hex.h"

namespace otprof::test {
namespace {

using tools::FunctionStarts;

// What the loader knows of a loaded file.
struct Loaded {
  std::string path;
  std::uint64_t base = 0;
  std::string build_id = {};
};

Loaded loaded_file_of(const void* function) {
  Dl_info info{};
  REQUIRE(dladdr(function, &info) != 0);
  Loaded loaded{.path = info.dli_fname, .base = reinterpret_cast<std::uint64_t>(info.dli_fbase)};
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* out) {
        auto* found = static_cast<Loaded*>(out);
        if (object->dlpi_addr != found->base) return 0;
        for (int i = 0; i < object->dlpi_phnum; ++i) {
          const ElfW(Phdr)& segment = object->dlpi_phdr[i];
          const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(found->base + segment.p_vaddr);
          if (segment.p_type != PT_NOTE || note->n_type != NT_GNU_BUILD_ID) continue;
          found->build_id = tools::to_hex(
              {reinterpret_cast<const std::uint8_t*>(note + 1) + note->n_namesz, note->n_descsz});
        }
        return 1;
      },
      &loaded);
  return loaded;
}

TEST_CASE("an address inside a function of libc leads to its start") {
  const Loaded libc = loaded_file_of(reinterpret_cast<const void*>(&qsort));
  REQUIRE(!libc.build_id.empty());
  const FunctionStarts starts(libc.path, libc.build_id);
  const std::uint64_t address = reinterpret_cast<std::uint64_t>(&qsort) - libc.base;
  CHECK(starts.start_of(address) == address);
  CHECK(starts.start_of(address + 1) == address);
  // The code of a shared library of today lies at the same offset in the file.
  CHECK(starts.address_of(address) == address);
  CHECK_FALSE(starts.start_of(0));
  CHECK_FALSE(starts.address_of(std::uint64_t{1} << 40U));
}

TEST_CASE("a file with another build id is not believed") {
  Loaded libc = loaded_file_of(reinterpret_cast<const void*>(&qsort));
  const std::uint64_t address = reinterpret_cast<std::uint64_t>(&qsort) - libc.base;
  libc.build_id[0] = libc.build_id[0] == '0' ? '1' : '0';
  CHECK_FALSE(FunctionStarts(libc.path, libc.build_id).start_of(address));
  CHECK_FALSE(FunctionStarts(libc.path, "").start_of(address));
}

TEST_CASE("what is no regular ELF file gives nothing, and does not block") {
  char directory[] = "/tmp/otprof-test-XXXXXX";
  REQUIRE(mkdtemp(directory) != nullptr);
  const std::string pipe = std::string(directory) + "/pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::string& path :
       {pipe, std::string(directory), std::string("/dev/zero"), std::string("/etc/passwd"),
        std::string("/nowhere"), std::string()}) {
    const FunctionStarts starts(path, "00");
    CHECK_FALSE(starts.start_of(0x1000));
  }
  unlink(pipe.c_str());
  rmdir(directory);
}

}  // namespace
}  // namespace otprof::test
