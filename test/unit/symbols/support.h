// SPDX-License-Identifier: Apache-2.0
//
// What the tests of modules and symbols share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/symbols/symbolizer.h"

namespace otprof::symbols::test {

// Built by meson; see fixture.cc.
extern const std::string kFixture1;
extern const std::string kFixture2;
extern const std::string kFixture3;
extern const std::string kFixedExecutable;

// A directory that goes away with its contents.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return path_ + '/' + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A library that is loaded for as long as the object lives.
class Library {
 public:
  explicit Library(const std::string& path);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  // 0 if there is no such symbol.
  std::uintptr_t address(const char* name) const;
  template <typename Function>
  Function* function(const char* name) const {
    return reinterpret_cast<Function*>(address(name));
  }

 private:
  void* handle_;
};

bool program_exists(const std::string& name);
// Standard output of a shell command; the test fails when it does.
std::string run(const std::string& command);
void copy_file(const std::string& from, const std::string& to);
std::string read_whole_file(const std::string& path);
void write_file(const std::string& path, const std::string& contents);
// Exit status of `body` in a forked child; 128 + the signal that killed it.
template <typename Body>
int in_child(Body body);

// The answer for one address, with copies of its names.
struct Named {
  std::string system_name;
  std::string name;
  std::uintptr_t start = 0;
};
Named name_of(Symbolizer& symbolizer, const ModuleMap& modules, std::uintptr_t address);
Named name_of(Symbolizer& symbolizer, const Module& module, std::uintptr_t address);

int wait_for(int child);
int fork_child();

template <typename Body>
int in_child(Body body) {
  const int child = fork_child();
  if (child == 0) {
    const int status = body();
    _Exit(status);
  }
  return wait_for(child);
}

}  // namespace otprof::symbols::test
