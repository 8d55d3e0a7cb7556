// SPDX-License-Identifier: Apache-2.0
//
// Which file the names come from: stripped modules, separate debug files, files that are gone or
// are not the ones that were loaded.
#include "agent/symbols/debug_file.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>

#include "test/unit/symbols/support.h"

namespace otprof::symbols::test {
namespace {

// A loaded copy of the fixture, and where in it a function is that only .symtab names.
class StrippedFixture {
 public:
  // `prepare` gets the path of an unstripped copy, strips it and makes debug files of it.
  explicit StrippedFixture(const std::function<void(const std::string&)>& prepare) {
    copy_file(kFixture1, path());
    prepare(path());
    library_ = std::make_unique<Library>(path());
    modules.refresh();
  }

  std::string path() const { return dir / "library.so"; }
  std::string debug_root() const { return dir / "debug"; }
  std::uintptr_t address(const char* name) const { return library_->address(name); }
  std::uintptr_t hidden() const {
    return reinterpret_cast<std::uintptr_t>(
        library_->function<void*()>("fixture_static_address")());
  }
  const Module& module() const { return *modules.find(hidden()); }

  TempDir dir;
  ModuleMap modules;

 private:
  std::unique_ptr<Library> library_;
};

std::string make_debug_file(const std::string& library, const std::string& debug) {
  std::filesystem::create_directories(std::filesystem::path(debug).parent_path());
  return run("objcopy --only-keep-debug " + library + " " + debug);
}

std::string build_id_path(const std::string& root, const std::string& library) {
  std::string id = run("readelf -n " + library + " | sed -n 's/ *Build ID: //p'");
  id.pop_back();
  return root + "/.build-id/" + id.substr(0, 2) + "/" + id.substr(2) + ".debug";
}

bool tools_missing() {
  for (const char* tool : {"objcopy", "strip", "readelf"}) {
    if (program_exists(tool)) continue;
    WARN("SKIP: no " << tool);
    return true;
  }
  return false;
}

TEST_CASE("a stripped library gives the names that it exports, and no others") {
  if (tools_missing()) return;
  const StrippedFixture fixture([](const std::string& path) { run("strip " + path); });
  Symbolizer symbolizer(fixture.debug_root());
  const auto name_at = [&](std::uintptr_t address) {
    return name_of(symbolizer, fixture.modules, address).name;
  };
  CHECK(name_at(fixture.address("fixture_exported")) == "fixture_exported");
  CHECK(name_at(fixture.hidden()).empty());
  // Nothing is exported between these two: the label is not in .dynsym.
  CHECK(name_at(fixture.address("fixture_assembly") + 16).empty());
  CHECK(symbolizer.counters().no_symbol == 2);
}

TEST_CASE("a debug file found by build id gives all names") {
  if (tools_missing()) return;
  std::string debug;
  const StrippedFixture fixture([&](const std::string& path) {
    const std::string root = std::filesystem::path(path).parent_path().string() + "/debug";
    debug = build_id_path(root, path);
    make_debug_file(path, debug);
    run("strip " + path);
  });
  Symbolizer symbolizer(fixture.debug_root());
  const Named hidden = name_of(symbolizer, fixture.modules, fixture.hidden());
  CHECK(hidden.name == "fixture_static(int)");
  CHECK(hidden.start == fixture.hidden());
  CHECK(name_of(symbolizer, fixture.modules, fixture.address("fixture_assembly") + 16).name ==
        "fixture_label");

  SECTION("also when the library itself is gone") {
    std::filesystem::remove(fixture.path());
    Symbolizer other(fixture.debug_root());
    CHECK(name_of(other, fixture.modules, fixture.hidden()).name == "fixture_static(int)");
  }
  SECTION("not when it is of another build") {
    make_debug_file(kFixture2, debug);
    Symbolizer other(fixture.debug_root());
    CHECK(name_of(other, fixture.modules, fixture.hidden()).name.empty());
    CHECK(name_of(other, fixture.modules, fixture.address("fixture_exported")).name ==
          "fixture_exported");
  }
}

TEST_CASE("a debug file found by its link gives all names") {
  if (tools_missing()) return;
  for (const char* place : {"", ".debug/", "ROOT"}) {
    INFO(place);
    const StrippedFixture fixture([&](const std::string& path) {
      const auto dir = std::filesystem::path(path).parent_path();
      const bool in_root = std::string_view(place) == "ROOT";
      const auto where = in_root ? dir / "debug" / dir.relative_path() : dir / place;
      const std::string debug = (where / "library.so.debug").string();
      make_debug_file(path, debug);
      run("strip " + path);
      run(std::string("objcopy --add-gnu-debuglink=").append(debug).append(" ").append(path));
    });
    Symbolizer symbolizer(fixture.debug_root());
    CHECK(name_of(symbolizer, fixture.modules, fixture.hidden()).name == "fixture_static(int)");
  }
}

TEST_CASE("a debug link that leads elsewhere is not followed") {
  if (tools_missing()) return;
  const StrippedFixture fixture([](const std::string& path) {
    const std::string dir = std::filesystem::path(path).parent_path().string();
    // objcopy writes the base name only; this is what a crafted file holds.
    write_file(dir + "/link", std::string("../../etc/passwd\0\0\0\0\0\0\0\0", 24));
    run("strip " + path);
    run("objcopy --add-section .gnu_debuglink=" + dir + "/link " + path);
  });
  FileSource file;
  REQUIRE(file.open(fixture.path()));
  const auto elf = ElfFile::open(file);
  REQUIRE(elf);
  REQUIRE(elf->section_named(".gnu_debuglink") != nullptr);
  CHECK(debug_file_paths(fixture.module(), &*elf, "/debug").size() == 1);
}

TEST_CASE("a file that took the place of the one that was loaded is not read") {
  if (tools_missing()) return;
  const StrippedFixture fixture([](const std::string&) {});
  Symbolizer symbolizer(fixture.debug_root());
  const auto name_at = [&](std::uintptr_t address) {
    return name_of(symbolizer, fixture.modules, address).name;
  };
  const std::uintptr_t address = fixture.address("fixture_exported");

  SECTION("another build") {
    std::filesystem::remove(fixture.path());
    copy_file(kFixture2, fixture.path());
    CHECK(name_at(address).empty());
    CHECK(symbolizer.counters().file_unreadable == 1);
    ModuleMap modules;
    modules.refresh();
    CHECK(modules.htl_hash(*modules.find(address)).empty());
  }
  SECTION("no ELF file at all") {
    std::filesystem::remove(fixture.path());
    write_file(fixture.path(), "#!/bin/sh\n");
    CHECK(name_at(address).empty());
    CHECK(symbolizer.counters().file_unreadable == 1);
  }
  SECTION("a FIFO, which must not block") {
    std::filesystem::remove(fixture.path());
    run("mkfifo " + fixture.path());
    CHECK(name_at(address).empty());
    CHECK(symbolizer.counters().file_unreadable == 1);
  }
  SECTION("nothing") {
    std::filesystem::remove(fixture.path());
    CHECK(name_at(address).empty());
    CHECK(symbolizer.counters().file_unreadable == 1);
  }
  SECTION("the same build again, as when a package is reinstalled: that one is right") {
    std::filesystem::remove(fixture.path());
    copy_file(kFixture1, fixture.path());
    CHECK(name_at(address) == "fixture_exported");
  }
}

TEST_CASE("without build id, device and inode decide") {
  if (tools_missing()) return;
  const StrippedFixture fixture(
      [](const std::string& path) { run("objcopy --remove-section .note.gnu.build-id " + path); });
  REQUIRE(fixture.module().build_id.empty());
  const std::uintptr_t address = fixture.address("fixture_exported");
  Symbolizer symbolizer(fixture.debug_root());
  CHECK(name_of(symbolizer, fixture.modules, address).name == "fixture_exported");
  // The same contents, another inode (made while the first one still exists).
  copy_file(fixture.path(), fixture.dir / "copy.so");
  std::filesystem::rename(fixture.dir / "copy.so", fixture.path());
  CHECK(name_of(symbolizer, fixture.modules, address + 1).name.empty());
  CHECK(symbolizer.counters().file_unreadable == 1);
}

TEST_CASE("with build id, a device that differs is no hindrance") {
  const StrippedFixture fixture([](const std::string&) {});
  // What maps shows on overlayfs and btrfs is not what stat shows.
  Module module = fixture.module();
  module.device += 1;
  module.inode += 1;
  Symbolizer symbolizer(fixture.debug_root());
  CHECK(name_of(symbolizer, module, fixture.address("fixture_exported")).name ==
        "fixture_exported");
  // A build id set by hand to a constant proves less: the code must lie where it is mapped.
  module.id += 1;
  module.text_offset += 4096;
  CHECK(name_of(symbolizer, module, fixture.address("fixture_exported")).name.empty());
}

}  // namespace
}  // namespace otprof::symbols::test
