// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/symbolizer.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <vector>

#include "test/unit/symbols/module_of_file.h"
#include "test/unit/symbols/support.h"

namespace otprof::symbols::test {
namespace {

__attribute__((noinline)) int function_of_this_test(int value) {
  asm volatile("" ::: "memory");
  return value + 1;
}

TEST_CASE("a function of this program, at every one of its bytes") {
  REQUIRE(function_of_this_test(1) == 2);
  ModuleMap modules;
  modules.refresh();
  Symbolizer symbolizer;
  const auto start = reinterpret_cast<std::uintptr_t>(&function_of_this_test);
  const Named first = name_of(symbolizer, modules, start);
  CHECK(first.name == "otprof::symbols::test::(anonymous namespace)::function_of_this_test(int)");
  CHECK(first.system_name == "_ZN6otprof7symbols4test12_GLOBAL__N_121function_of_this_testEi");
  CHECK(first.start == start);
  CHECK(name_of(symbolizer, modules, start + 1).name == first.name);
  CHECK(name_of(symbolizer, modules, start - 1).name != first.name);
}

TEST_CASE("functions of libc have their public names") {
  ModuleMap modules;
  modules.refresh();
  Symbolizer symbolizer;
  for (const char* name : {"malloc", "free", "write", "fopen", "qsort", "getppid"}) {
    // Not &malloc: that may be an interposer's or this program's own stub.
    void* const libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    REQUIRE(libc != nullptr);
    const auto address = reinterpret_cast<std::uintptr_t>(dlsym(libc, name));
    dlclose(libc);
    INFO(name);
    CHECK(name_of(symbolizer, modules, address + 1).name == name);
  }
}

TEST_CASE("the vdso is read from memory") {
  const std::uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
  if (vdso == 0) {
    WARN("SKIP: this kernel has no vdso");
    return;
  }
  ModuleMap modules;
  modules.refresh();
  const Module* const module = modules.find(vdso);
  REQUIRE(module != nullptr);
  std::vector<Query> queries;
  for (std::uintptr_t at = module->text_start; at < module->text_limit; at += 16) {
    queries.push_back({module, at, {}});
  }
  Symbolizer symbolizer;
  symbolizer.resolve(queries);
  const bool found = std::any_of(queries.begin(), queries.end(), [](const Query& query) {
    return query.symbol.name == "clock_gettime" || query.symbol.name == "__kernel_clock_gettime";
  });
  CHECK(found);
  CHECK(symbolizer.counters().file_malformed == 0);
  CHECK(symbolizer.counters().file_unreadable == 0);
}

TEST_CASE("each kind of symbol of a library") {
  const Library library(kFixture1);
  ModuleMap modules;
  modules.refresh();
  Symbolizer symbolizer;
  const auto name_at = [&](std::uintptr_t address) {
    return name_of(symbolizer, modules, address).name;
  };
  CHECK(name_at(library.address("fixture_exported")) == "fixture_exported");
  CHECK(name_at(library.address("_ZN7fixture11in_templateIlEEiT_")) ==
        "int fixture::in_template<long>(long)");
  const auto hidden =
      reinterpret_cast<std::uintptr_t>(library.function<void*()>("fixture_static_address")());
  CHECK(name_at(hidden) == "fixture_static(int)");

  const std::uintptr_t assembly = library.address("fixture_assembly");
  CHECK(name_at(assembly) == "fixture_assembly");
  CHECK(name_at(assembly + 15) == "fixture_assembly");
  CHECK(name_at(assembly + 16) == "fixture_label");
  CHECK(name_at(assembly + 31) == "fixture_label");
  CHECK(name_at(assembly + 32) == "fixture_sized");
  CHECK(name_at(assembly + 40).empty());  // behind the end of a sized function
  CHECK(name_at(assembly + 47).empty());
  const Named split = name_of(symbolizer, modules, assembly + 48);
  CHECK(split.name == "fixture::split(int)");
  CHECK(split.system_name == "_ZN7fixture5splitEi.part.0.cold");
  CHECK(split.start == assembly + 48);
  CHECK(name_at(assembly + 64) == "fixture_end");
  CHECK(name_at(assembly + 65).empty());
}

TEST_CASE("an ifunc's resolver and the function that it chose") {
  const Library library(kFixture1);
  ModuleMap modules;
  modules.refresh();
  Symbolizer symbolizer;
  // dlsym runs the resolver and returns what it chose.
  const Named chosen = name_of(symbolizer, modules, library.address("fixture_ifunc"));
  CHECK(chosen.name == "chosen_by_ifunc(int)");
  // The ifunc symbol itself stands for the resolver's code; so does the resolver's own name.
  const std::uintptr_t resolver = library.address("fixture_resolver");
  const Module module = module_of_file(kFixture1);
  CHECK(resolver == 0);  // not exported, so asked for in the file:
  if (!program_exists("nm")) return;
  const std::string line = run("nm " + kFixture1 + " | grep ' fixture_resolver$'");
  const std::uint64_t address = std::stoull(line, nullptr, 16);
  CHECK(name_of(symbolizer, module, module.bias + address).name == "fixture_ifunc");
}

// Addresses of the stubs of a library, by the name objdump gives them.
std::vector<std::pair<std::uint64_t, std::string>> stubs_of(const std::string& path) {
  std::vector<std::pair<std::uint64_t, std::string>> stubs;
  const std::string text = run("objdump -d -j .plt -j .plt.sec -j .plt.got " + path +
                               " 2>/dev/null | grep -E '^[0-9a-f]+ <.*@plt>:$'");
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = text.find('\n', from);
    const std::string line = text.substr(from, end - from);
    const std::size_t name = line.find('<') + 1;
    stubs.emplace_back(std::stoull(line, nullptr, 16), line.substr(name, line.find('>') - name));
    from = end + 1;
  }
  return stubs;
}

TEST_CASE("stubs of the procedure linkage table are called after what they jump to") {
  if (!program_exists("objdump")) {
    WARN("SKIP: no objdump");
    return;
  }
  const std::string path = GENERATE(kFixture1, kFixture3);
  const Module module = module_of_file(path);
  Symbolizer symbolizer;
  std::vector<std::string> names;
  for (const auto& [address, name] : stubs_of(path)) {
    const Named ours = name_of(symbolizer, module, module.bias + address + 6);
    names.push_back(ours.system_name);
    // objdump knows no symbol for the stub of a function that is not exported.
    CHECK(ours.system_name == (name.starts_with('*') ? "fixture_ifunc@plt" : name));
    CHECK(ours.name == ours.system_name);
    CHECK(ours.start == module.bias + address);
  }
  CHECK(std::count(names.begin(), names.end(), "getppid@plt") == 1);
  CHECK(std::count(names.begin(), names.end(), "fixture_ifunc@plt") == 1);
}

std::uint64_t section_address(const std::string& path, const std::string& name) {
  const std::string text = run("readelf -SW " + path + " | grep -E ' [" + name.substr(0, 1) + "]" +
                               name.substr(1) + " +PROGBITS'");
  return std::stoull(text.substr(text.find("PROGBITS") + 8), nullptr, 16);
}

TEST_CASE("stubs that run only before their target is bound") {
  if (!program_exists("readelf")) {
    WARN("SKIP: no readelf");
    return;
  }
  const Module module = module_of_file(kFixture3);
  Symbolizer symbolizer;
  const auto name_at = [&](std::uint64_t address) {
    return name_of(symbolizer, module, module.bias + address).name;
  };
  // Entry n of .plt.sec has its other half in entry n of .plt, which begins with a common one.
  const std::uint64_t lazy = section_address(kFixture3, ".plt");
  const std::uint64_t called = section_address(kFixture3, ".plt.sec");
  CHECK(name_at(lazy).empty());
  for (const std::uint64_t entry : {0U, 16U}) {
    CHECK(name_at(called + entry).ends_with("@plt"));
    CHECK(name_at(lazy + 16 + entry) == name_at(called + entry));
  }
  CHECK(name_at(called) != name_at(called + 16));
}

TEST_CASE("stubs of large libraries") {
  if (!program_exists("objdump")) {
    WARN("SKIP: no objdump");
    return;
  }
  ModuleMap modules;
  modules.refresh();
  Symbolizer symbolizer;
  // This executable has C++ names among its imports.
  const Module& main = modules.main_module();
  std::size_t compared = 0;
  for (const auto& [address, name] : stubs_of(main.path)) {
    if (name.starts_with('*')) continue;
    const Named ours = name_of(symbolizer, main, main.bias + address);
    CHECK(ours.system_name == name.substr(0, name.find('@')) + "@plt");
    CHECK(ours.start == main.bias + address);
    ++compared;
  }
  CHECK(compared > 20);
}

TEST_CASE("an executable at a fixed address") {
  CHECK(run(kFixedExecutable) == "in_fixed_executable 1 1 1\n");
}

TEST_CASE("many queries at once, repeated, unsorted and without module") {
  const Library library(kFixture1);
  ModuleMap modules;
  modules.refresh();
  const Module* const module = modules.find(library.address("fixture_end"));
  const std::uintptr_t end = library.address("fixture_end");
  const std::uintptr_t exported = library.address("fixture_exported");
  std::vector<Query> queries = {{module, end, {}}, {nullptr, end, {}}, {module, exported, {}},
                                {module, end, {}}, {module, 1, {}},    {module, UINTPTR_MAX, {}}};
  Symbolizer symbolizer;
  for (int round = 1; round <= 2; ++round) {
    symbolizer.resolve(queries);
    CHECK(queries[0].symbol.name == "fixture_end");
    CHECK(queries[1].symbol.name.empty());
    CHECK(queries[2].symbol.name == "fixture_exported");
    CHECK(queries[3].symbol.name == "fixture_end");
    CHECK(queries[4].symbol.name.empty());
    CHECK(queries[5].symbol.name.empty());
    CHECK(symbolizer.counters().resolved == 3U * static_cast<unsigned>(round));
    CHECK(symbolizer.counters().no_symbol == 3U * static_cast<unsigned>(round));
  }
  symbolizer.resolve({});
}

TEST_CASE("known answers need no file") {
  const TempDir dir;
  copy_file(kFixture1, dir / "library.so");
  const Library library(dir / "library.so");
  ModuleMap modules;
  modules.refresh();
  Symbolizer symbolizer;
  const std::uintptr_t address = library.address("fixture_exported");
  const std::uintptr_t nothing = library.address("fixture_assembly") + 40;
  CHECK(name_of(symbolizer, modules, address).name == "fixture_exported");
  CHECK(name_of(symbolizer, modules, nothing).name.empty());
  std::filesystem::remove(dir / "library.so");
  CHECK(name_of(symbolizer, modules, address).name == "fixture_exported");
  CHECK(name_of(symbolizer, modules, nothing).name.empty());
  CHECK(symbolizer.counters().no_symbol == 2);
  CHECK(symbolizer.counters().file_unreadable == 0);
  CHECK(name_of(symbolizer, modules, address + 1).name.empty());
  CHECK(symbolizer.counters().file_unreadable == 1);
}

TEST_CASE("what is kept is bounded") {
  const Module module = module_of_file(kFixture1);
  Symbolizer symbolizer;
  CHECK(symbolizer.memory_bytes() < 4096);
  std::vector<Query> queries(1000000);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    queries[i] = {&module, module.bias + i, {}};
  }
  symbolizer.resolve(queries);
  CHECK(symbolizer.memory_bytes() <= Symbolizer::kMaxMemoryBytes);
  CHECK(symbolizer.counters().over_budget > 0);
  symbolizer.resolve({queries.data(), 1});
  CHECK(symbolizer.memory_bytes() < Symbolizer::kKeptMemoryBytes);
}

}  // namespace
}  // namespace otprof::symbols::test
