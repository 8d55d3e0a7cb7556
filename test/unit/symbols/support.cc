// SPDX-License-Identifier: Apache-2.0
#include "test/unit/symbols/support.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace otprof::symbols::test {

const std::string kFixture1 = FIXTURE_1;
const std::string kFixture2 = FIXTURE_2;
const std::string kFixture3 = FIXTURE_3;
const std::string kFixedExecutable = FIXED_EXECUTABLE;

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "otprof-symbols-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  // What the kernel shows is the real path.
  path_ = std::filesystem::canonical(name).string();
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Library::Library(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) FAIL(dlerror());
}

Library::~Library() { dlclose(handle_); }

std::uintptr_t Library::address(const char* name) const {
  return reinterpret_cast<std::uintptr_t>(dlsym(handle_, name));
}

// NOLINTBEGIN(cert-env33-c): the commands are the tests' own
bool program_exists(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

std::string run(const std::string& command) {
  INFO(command);
  FILE* const pipe = popen(command.c_str(), "re");
  REQUIRE(pipe != nullptr);
  std::string output;
  char part[65536];
  for (std::size_t got; (got = fread(part, 1, sizeof part, pipe)) > 0;) output.append(part, got);
  REQUIRE(pclose(pipe) == 0);
  return output;
}
// NOLINTEND(cert-env33-c)

void copy_file(const std::string& from, const std::string& to) {
  std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
}

std::string read_whole_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

void write_file(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
}

Named name_of(Symbolizer& symbolizer, const Module& module, std::uintptr_t address) {
  Query query;
  query.module = &module;
  query.address = address;
  symbolizer.resolve({&query, 1});
  return {std::string(query.symbol.system_name), std::string(query.symbol.name),
          query.symbol.start};
}

Named name_of(Symbolizer& symbolizer, const ModuleMap& modules, std::uintptr_t address) {
  const Module* const module = modules.find(address);
  REQUIRE(module != nullptr);
  return name_of(symbolizer, *module, address);
}

int fork_child() {
  const int child = fork();
  REQUIRE(child >= 0);
  return child;
}

int wait_for(int child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace otprof::symbols::test
