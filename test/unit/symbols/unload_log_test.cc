// SPDX-License-Identifier: Apache-2.0
//
// What comes and goes between two visits of the background thread.
#include "agent/symbols/unload_log.h"

#include <catch2/catch.hpp>
#include <memory>

#include "test/unit/symbols/support.h"

namespace otprof::symbols::test {
namespace {

// As the hooks around dlclose do it, at the time `now_ns`.
bool unload(std::unique_ptr<Library>& library, std::uint64_t now_ns) {
  UnloadLog::look(now_ns);
  library.reset();
  return UnloadLog::look(now_ns);
}

constexpr std::uint64_t kSecond = 1'000'000'000;

TEST_CASE("modules that came and went between two refreshes are known by the time") {
  ModuleMap modules;
  modules.refresh();
  auto library = std::make_unique<Library>(kFixture1);
  const std::uintptr_t address = library->address("fixture_exported");
  CHECK(unload(library, kSecond));
  library = std::make_unique<Library>(kFixture2);
  if (library->address("fixture_exported") != address) {
    WARN("the loader chose another address");
    return;
  }
  CHECK(unload(library, kSecond + 100));
  library = std::make_unique<Library>(kFixture1);
  REQUIRE(library->address("fixture_exported") == address);

  CHECK(modules.refresh());
  const auto path_at = [&](std::uint64_t ns) {
    const Module* module = modules.find(address, ns);
    return module == nullptr ? std::string() : module->path;
  };
  CHECK(path_at(kSecond - 100) == kFixture1);
  CHECK(path_at(kSecond) == kFixture1);
  CHECK(path_at(kSecond + 1) == kFixture2);
  CHECK(path_at(kSecond + 100) == kFixture2);
  CHECK(path_at(kSecond + 101) == kFixture1);
  const Module* const second = modules.find(address, kSecond + 1);
  REQUIRE(second != nullptr);
  CHECK_FALSE(second->loaded);
  // Seen by nobody but the log, it has a build id all the same, as the file has.
  const Module* const first = modules.find(address);
  REQUIRE(first != nullptr);
  CHECK(first->loaded);
  CHECK(second->build_id != first->build_id);
  CHECK_FALSE(second->build_id.empty());
  CHECK(modules.find(address, kSecond - 100) == first);  // the same file in the same place

  modules.drop_unloaded();
  CHECK(path_at(kSecond + 1) == kFixture1);
}

TEST_CASE("a module that was closed before the first refresh is known by the time") {
  UnloadLog::drain([](const UnloadRecord&) {});
  auto library = std::make_unique<Library>(kFixture1);
  const std::uintptr_t address = library->address("fixture_exported");
  CHECK(unload(library, kSecond));
  library = std::make_unique<Library>(kFixture2);
  if (library->address("fixture_exported") != address) {
    WARN("the loader chose another address");
    return;
  }
  ModuleMap modules;
  modules.refresh();
  const Module* const then = modules.find(address, kSecond - 100);
  REQUIRE(then != nullptr);
  CHECK(then->path == kFixture1);
  CHECK_FALSE(then->loaded);
  const Module* const now = modules.find(address, kSecond + 1);
  REQUIRE(now != nullptr);
  CHECK(now->path == kFixture2);
  CHECK(now->loaded);
  CHECK(now->inode != 0);
}

TEST_CASE("a module that the log and the map both see is one module") {
  ModuleMap modules;
  modules.refresh();
  auto library = std::make_unique<Library>(kFixture2);
  const std::uintptr_t address = library->address("fixture_exported");
  UnloadLog::look(1);  // somebody closes another
  modules.refresh();
  const Module* const module = modules.find(address);
  REQUIRE(module != nullptr);
  CHECK(module->inode != 0);
  const std::uint32_t id = module->id;
  CHECK(unload(library, kSecond));
  CHECK(modules.refresh());
  CHECK(modules.find(address, kSecond) == module);
  CHECK(module->id == id);
}

TEST_CASE("a look that finds nothing new leaves no record") {
  UnloadLog::look(1);
  UnloadLog::drain([](const UnloadRecord&) {});
  CHECK_FALSE(UnloadLog::look(2));
  int records = 0;
  UnloadLog::drain([&](const UnloadRecord&) { ++records; });
  CHECK(records == 0);
}

TEST_CASE("a full log counts what it cannot keep, and goes on when it is read") {
  UnloadLog::drain([](const UnloadRecord&) {});
  const std::uint64_t before = UnloadLog::lost();
  for (int i = 0; i < 1000; ++i) {
    auto library = std::make_unique<Library>(kFixture1);
    unload(library, static_cast<std::uint64_t>(i));
  }
  CHECK(UnloadLog::lost() > before);
  UnloadLog::drain([](const UnloadRecord&) {});
  const std::uint64_t then = UnloadLog::lost();
  auto library = std::make_unique<Library>(kFixture1);
  unload(library, 1);
  int records = 0;
  UnloadLog::drain([&](const UnloadRecord&) { ++records; });
  CHECK(records == 2);
  CHECK(UnloadLog::lost() == then);
}

}  // namespace
}  // namespace otprof::symbols::test
