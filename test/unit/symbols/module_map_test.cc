// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/module_map.h"

#include <dlfcn.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "test/unit/symbols/support.h"

namespace otprof::symbols::test {
namespace {

std::uintptr_t address_in_libc() {
  return reinterpret_cast<std::uintptr_t>(dlsym(RTLD_DEFAULT, "getppid"));
}

struct MapsLine {
  std::uintptr_t start = 0;
  std::uintptr_t limit = 0;
  std::uint64_t offset = 0;
  std::string path;
};

std::vector<MapsLine> executable_mappings() {
  std::vector<MapsLine> lines;
  std::ifstream maps("/proc/self/maps");
  for (std::string text; std::getline(maps, text);) {
    MapsLine line;
    char dash = 0;
    std::string permissions;
    std::string device;
    std::string inode;
    std::istringstream fields(text);
    fields >> std::hex >> line.start >> dash >> line.limit >> permissions >> line.offset >>
        device >> inode >> line.path;
    if (permissions.find('x') != std::string::npos) lines.push_back(line);
  }
  return lines;
}

TEST_CASE("the modules are those that the kernel shows") {
  ModuleMap modules;
  CHECK_FALSE(modules.refresh());
  int compared = 0;
  for (const MapsLine& line : executable_mappings()) {
    if (line.path.find('/') != 0 && line.path != "[vdso]") continue;
    INFO(line.path);
    const Module* const module = modules.find(line.start);
    REQUIRE(module != nullptr);
    CHECK(module->path == line.path);
    CHECK(module->text_start == line.start);
    CHECK(module->text_limit == line.limit);
    CHECK(module->text_offset == line.offset);
    CHECK(module->start <= line.start);
    CHECK(module->limit >= line.limit);
    CHECK(module->loaded);
    CHECK(modules.find(line.limit - 1) == module);
    ++compared;
  }
  CHECK(compared >= 5);
}

TEST_CASE("a module with code in two segments") {
  const Library library(kFixture3);
  ModuleMap modules;
  modules.refresh();
  const std::uintptr_t in_text = library.address("fixture_exported");
  const std::uintptr_t apart = library.address("fixture_assembly");
  const Module* const module = modules.find(in_text);
  REQUIRE(module != nullptr);
  CHECK(modules.find(apart) == module);
  // The larger one is stated; both are symbolised.
  CHECK(module->text_start <= in_text);
  CHECK(module->text_limit > in_text);
  CHECK(module->text_limit <= apart);
  Symbolizer symbolizer;
  CHECK(name_of(symbolizer, modules, in_text).name == "fixture_exported");
  CHECK(name_of(symbolizer, modules, apart).name == "fixture_assembly");
}

TEST_CASE("device and inode are those of the file") {
  ModuleMap modules;
  modules.refresh();
  const Module* const libc = modules.find(address_in_libc());
  REQUIRE(libc != nullptr);
  struct stat status;
  REQUIRE(stat(libc->path.c_str(), &status) == 0);
  CHECK(libc->inode == status.st_ino);
  // On some file systems the two devices differ by design; the one of maps is what is stated.
  CHECK(libc->device != 0);
}

TEST_CASE("the executable is the main module, by its real path") {
  ModuleMap modules;
  CHECK(modules.main_module().path.empty());
  modules.refresh();
  const Module& main = modules.main_module();
  CHECK(main.is_main);
  CHECK(main.path == std::filesystem::read_symlink("/proc/self/exe").string());
  CHECK(modules.find(main.text_start) == &main);
}

TEST_CASE("the executable that ld.so was told to run is the main module") {
  const std::string linker = "/lib64/ld-linux-x86-64.so.2";
  if (access(linker.c_str(), X_OK) != 0) {
    WARN("SKIP: " << linker << " is not here");
    return;
  }
  // Its last word says whether the module that holds its code is the main module.
  CHECK(run(linker + " " + kFixedExecutable) == "in_fixed_executable 1 1 1\n");
}

TEST_CASE("the vdso is a module") {
  const std::uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
  if (vdso == 0) {
    WARN("SKIP: this kernel has no vdso");
    return;
  }
  ModuleMap modules;
  modules.refresh();
  const Module* const module = modules.find(vdso);
  REQUIRE(module != nullptr);
  CHECK(module->is_vdso);
  CHECK(module->path == "[vdso]");
  CHECK(module->start == vdso);
  CHECK_FALSE(module->build_id.empty());
  CHECK(modules.htl_hash(*module).empty());
}

TEST_CASE("build ids are those of the linker") {
  if (!program_exists("readelf")) {
    WARN("SKIP: no readelf");
    return;
  }
  const Library library(kFixture1);
  ModuleMap modules;
  modules.refresh();
  const Module* const module = modules.find(library.address("fixture_exported"));
  REQUIRE(module != nullptr);
  CHECK(module->build_id.size() == 40);
  CHECK(run("readelf -n " + kFixture1).find(module->build_id) != std::string::npos);
}

TEST_CASE("an address outside all modules is in none") {
  ModuleMap modules;
  modules.refresh();
  const auto on_heap = std::make_unique<int>(1);
  CHECK(modules.find(reinterpret_cast<std::uintptr_t>(on_heap.get())) == nullptr);
  CHECK(modules.find(0) == nullptr);
  CHECK(modules.find(UINTPTR_MAX) == nullptr);
}

TEST_CASE("a module without build id has none") {
  if (!program_exists("objcopy")) {
    WARN("SKIP: no objcopy");
    return;
  }
  const TempDir dir;
  const std::string plain = dir / "plain.so";
  run("objcopy --remove-section .note.gnu.build-id " + kFixture1 + " " + plain);
  const Library library(plain);
  ModuleMap modules;
  modules.refresh();
  const Module* const module = modules.find(library.address("fixture_exported"));
  REQUIRE(module != nullptr);
  CHECK(module->path == plain);
  CHECK(module->build_id.empty());
}

TEST_CASE("a module that is loaded later is found after a refresh, and remembered when unloaded") {
  ModuleMap modules;
  modules.refresh();
  auto library = std::make_unique<Library>(kFixture1);
  const std::uintptr_t address = library->address("fixture_exported");
  CHECK(modules.find(address) == nullptr);
  CHECK_FALSE(modules.refresh());
  const Module* const module = modules.find(address);
  REQUIRE(module != nullptr);
  CHECK(module->path == kFixture1);

  library.reset();
  CHECK(modules.refresh());
  CHECK_FALSE(module->loaded);
  CHECK(modules.find(address) == module);
  CHECK_FALSE(modules.refresh());

  modules.drop_unloaded();
  CHECK(modules.find(address) == nullptr);
}

TEST_CASE("ids are never given twice, and other modules keep theirs") {
  ModuleMap modules;
  modules.refresh();
  const Module* const libc = modules.find(address_in_libc());
  REQUIRE(libc != nullptr);
  const std::uint32_t libc_id = libc->id;
  std::map<std::uint32_t, std::string> seen;
  for (int i = 0; i < 4; ++i) {
    const Library library(i % 2 == 0 ? kFixture1 : kFixture2);
    modules.refresh();
    const Module* const module = modules.find(library.address("fixture_exported"));
    REQUIRE(module != nullptr);
    const auto [entry, is_new] = seen.emplace(module->id, module->path);
    CHECK(is_new);
    modules.drop_unloaded();
    CHECK(modules.find(address_in_libc()) == libc);
    CHECK(libc->id == libc_id);
  }
}

// Loads `second` at the address where `first` was; null if the kernel keeps choosing others.
std::unique_ptr<Library> reload_at_same_address(ModuleMap& modules, const std::string& first,
                                                const std::string& second, const Module*& before,
                                                bool refresh_between = false) {
  for (int attempt = 0; attempt < 16; ++attempt) {
    auto library = std::make_unique<Library>(first);
    const std::uintptr_t address = library->address("fixture_exported");
    modules.refresh();
    before = modules.find(address);
    library.reset();
    if (refresh_between) modules.refresh();
    library = std::make_unique<Library>(second);
    if (library->address("fixture_exported") == address) return library;
  }
  return nullptr;
}

TEST_CASE("another file at the address of an unloaded one is another module") {
  ModuleMap modules;
  const Module* before = nullptr;
  const auto library = reload_at_same_address(modules, kFixture1, kFixture2, before);
  REQUIRE(library != nullptr);
  REQUIRE(before != nullptr);
  // Unloading and loading happened between two refreshes.
  CHECK(modules.refresh());
  const Module* const after = modules.find(library->address("fixture_exported"));
  REQUIRE(after != nullptr);
  CHECK(after != before);
  CHECK(after->id != before->id);
  CHECK(after->start == before->start);
  CHECK(after->path == kFixture2);
  CHECK(before->path == kFixture1);
  CHECK_FALSE(before->loaded);
  CHECK(after->loaded);
}

TEST_CASE("the same file back at its address is the same module") {
  ModuleMap modules;
  const Module* before = nullptr;
  const bool seen_unloaded = GENERATE(false, true);
  auto library = reload_at_same_address(modules, kFixture1, kFixture1, before, seen_unloaded);
  REQUIRE(library != nullptr);
  CHECK(before->loaded == !seen_unloaded);
  CHECK(modules.refresh() == !seen_unloaded);
  const std::uintptr_t address = library->address("fixture_exported");
  CHECK(modules.find(address) == before);
  CHECK(before->loaded);
  modules.drop_unloaded();
  CHECK(modules.find(address) == before);
  library.reset();
  CHECK(modules.refresh());
  CHECK(modules.find(address) == before);
  CHECK_FALSE(before->loaded);
}

TEST_CASE("a path is absolute and real however the library was named") {
  const TempDir dir;
  copy_file(kFixture1, dir / "real.so");
  std::filesystem::create_symlink("real.so", dir / "link.so");
  const auto old_directory = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  const Library library("./link.so");
  std::filesystem::current_path(old_directory);
  ModuleMap modules;
  modules.refresh();
  const Module* const module = modules.find(library.address("fixture_exported"));
  REQUIRE(module != nullptr);
  CHECK(module->path == dir / "real.so");
}

TEST_CASE("a deleted file keeps its path and has no hash") {
  const TempDir dir;
  copy_file(kFixture1, dir / "gone.so");
  const Library library(dir / "gone.so");
  std::filesystem::remove(dir / "gone.so");
  ModuleMap modules;
  modules.refresh();
  const Module* const module = modules.find(library.address("fixture_exported"));
  REQUIRE(module != nullptr);
  CHECK(module->path == dir / "gone.so");
  CHECK(modules.htl_hash(*module).empty());
}

TEST_CASE("the htl hash is the one the specification describes") {
  if (!program_exists("sha256sum")) {
    WARN("SKIP: no sha256sum");
    return;
  }
  const TempDir dir;
  ModuleMap modules;
  const Library library(kFixture1);
  modules.refresh();
  const Module* const module = modules.find(library.address("fixture_exported"));
  REQUIRE(module != nullptr);
  const std::string file = read_whole_file(kFixture1);
  std::string hashed = file.substr(0, 4096) + file.substr(file.size() - 4096);
  for (int shift = 56; shift >= 0; shift -= 8) hashed += static_cast<char>(file.size() >> shift);
  write_file(dir / "hashed", hashed);
  CHECK(modules.htl_hash(*module) == run("sha256sum < " + (dir / "hashed")).substr(0, 32));
  CHECK(modules.htl_hash(Module{}).empty());
  // A copy outlives its module, and others may be asked for in between.
  const Module copy = *module;
  CHECK(modules.htl_hash(copy) == modules.htl_hash(*module));
  CHECK(modules.htl_hash(modules.main_module()).size() == 32);
}

TEST_CASE("a file that was truncated under its mapping does not kill the process") {
  const TempDir dir;
  copy_file(kFixture1, dir / "truncated.so");
  const int status = in_child([&] {
    ModuleMap modules;
    modules.refresh();
    auto* const other = new Library(kFixture2);
    const auto* const library = new Library(dir / "truncated.so");
    const std::uintptr_t address = library->address("fixture_exported");
    if (truncate((dir / "truncated.so").c_str(), 0) != 0) return 1;
    delete other;
    modules.refresh();
    const Module* const module = modules.find(address);
    if (module != nullptr && !modules.htl_hash(*module).empty()) return 2;
    Symbolizer symbolizer;
    Query query;
    query.module = module;
    query.address = address;
    symbolizer.resolve({&query, 1});
    return query.symbol.name.empty() ? 0 : 3;
  });
  CHECK(status == 0);
}

TEST_CASE("without /proc and files the modules are known by what is in memory") {
  if (geteuid() != 0) {
    WARN("SKIP: chroot needs root");
    return;
  }
  const TempDir dir;
  const Library library(kFixture1);
  const std::uintptr_t address = library.address("fixture_exported");
  const int status = in_child([&] {
    if (chroot(dir.path().c_str()) != 0) return 1;
    ModuleMap modules;
    modules.refresh();
    const Module* const module = modules.find(address);
    if (module == nullptr) return 2;
    if (module->build_id.size() != 40) return 3;
    if (module->path != kFixture1) return 4;
    if (module->inode != 0) return 5;
    Symbolizer symbolizer;
    Query query;
    query.module = module;
    query.address = address;
    symbolizer.resolve({&query, 1});
    return symbolizer.counters().file_unreadable == 1 ? 0 : 6;
  });
  CHECK(status == 0);
}

TEST_CASE("no file descriptor is left open") {
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = open_files();
  {
    const Library library(kFixture1);
    ModuleMap modules;
    modules.refresh();
    const Module* const module = modules.find(library.address("fixture_exported"));
    REQUIRE(module != nullptr);
    modules.htl_hash(*module);
    Symbolizer symbolizer;
    name_of(symbolizer, modules, library.address("fixture_exported"));
    CHECK(open_files() == before);
  }
  CHECK(open_files() == before);
}

}  // namespace
}  // namespace otprof::symbols::test
