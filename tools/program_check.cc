// SPDX-License-Identifier: Apache-2.0
#include "tools/program_check.h"

#include <elf.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

namespace otprof::tools {
namespace {

bool is_program(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

std::string find_in_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return is_program(name) ? name : "";
  const char* const path = std::getenv("PATH");
  std::istringstream directories(path != nullptr ? path : "/bin:/usr/bin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
    if (is_program(candidate)) return candidate;
  }
  return {};
}

template <class T>
bool read_at(std::ifstream& file, std::uint64_t offset, T& out) {
  file.seekg(static_cast<std::streamoff>(offset));
  return static_cast<bool>(file.read(reinterpret_cast<char*>(&out), sizeof out));
}

std::string elf_obstacle(std::ifstream& file) {
  Elf64_Ehdr header{};
  if (!read_at(file, 0, header)) return "it is no program this system knows";
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return "it is a 32-bit program";
  Elf64_Phdr segment{};
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    if (!read_at(file, header.e_phoff + std::uint64_t{i} * header.e_phentsize, segment)) break;
    if (segment.p_type != PT_INTERP) continue;
    std::string loader(std::min<std::uint64_t>(segment.p_filesz, 256), '\0');
    file.seekg(static_cast<std::streamoff>(segment.p_offset));
    file.read(loader.data(), static_cast<std::streamsize>(loader.size()));
    return loader.find("musl") != std::string::npos ? "it uses musl instead of glibc" : "";
  }
  return "it is statically linked, so nothing can be preloaded into it";
}

std::string obstacle_of(const std::string& path, int depth) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return "it cannot be read";
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) {
    return "it is setuid or setgid, and the loader ignores LD_PRELOAD then";
  }
  if (getxattr(path.c_str(), "security.capability", nullptr, 0) > 0) {
    return "it has file capabilities, and the loader ignores LD_PRELOAD then";
  }
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  if (!file.read(magic, sizeof magic)) return file.eof() ? "it is empty" : "it cannot be read";
  if (std::memcmp(magic, ELFMAG, SELFMAG) == 0) return elf_obstacle(file);
  constexpr int kMaxInterpreters = 4;  // as in the kernel
  if (magic[0] != '#' || magic[1] != '!' || depth == kMaxInterpreters) return {};
  file.seekg(2);
  std::string line;
  std::getline(file, line);
  std::istringstream words(line);
  std::string interpreter;
  std::string argument;
  words >> interpreter >> argument;
  // `env` is replaced by what it finds.
  if (interpreter.ends_with("/env") && !argument.starts_with("-")) {
    interpreter = find_in_path(argument);
  }
  const std::string obstacle = interpreter.empty() ? "" : obstacle_of(interpreter, depth + 1);
  return obstacle.empty() ? "" : "its interpreter " + interpreter + " cannot: " + obstacle;
}

}  // namespace

ProgramFacts check_program(const std::string& name) {
  ProgramFacts facts;
  facts.path = find_in_path(name);
  if (!facts.path.empty()) facts.obstacle = obstacle_of(facts.path, 0);
  return facts;
}

}  // namespace otprof::tools
