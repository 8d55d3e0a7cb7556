// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "transport/profile_file.h"

namespace fs = std::filesystem;
using otprof::transport::write_file_atomically;

namespace {

struct TemporaryDirectory {
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "otprof-unit-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~TemporaryDirectory() { fs::remove_all(path); }
  fs::path path;
};

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::size_t entries(const fs::path& path) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("a file is written whole, for its owner alone, and replaced") {
  const TemporaryDirectory dir;
  std::string error;
  std::string bytes(3'000'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  REQUIRE(write_file_atomically(dir.path, "a.pb.gz", bytes, error));
  CHECK(content(dir.path / "a.pb.gz") == bytes);
  struct stat info {};
  REQUIRE(stat((dir.path / "a.pb.gz").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  REQUIRE(write_file_atomically(dir.path, "a.pb.gz", "second", error));
  CHECK(content(dir.path / "a.pb.gz") == "second");
  REQUIRE(write_file_atomically(dir.path, "empty", "", error));
  CHECK(entries(dir.path) == 2);
}

TEST_CASE("a process that is killed while it writes leaves nothing or a whole file") {
  const TemporaryDirectory dir;
  const std::string bytes(8'000'000, 'x');
  int unfinished = 0;
  for (int i = 0; i < 20; ++i) {
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    const pid_t child = fork();
    if (child == 0) {
      std::string error;
      (void)!write(ready[1], "r", 1);
      for (int k = 0;; ++k) {
        write_file_atomically(dir.path, "a" + std::to_string(k) + ".pb.gz", bytes, error);
      }
    }
    char byte = 0;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    usleep(static_cast<useconds_t>(2000 + 300 * i));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(ready[0]);
    close(ready[1]);
    for (const fs::directory_entry& entry : fs::directory_iterator(dir.path)) {
      unfinished += entry.file_size() != bytes.size() ||
                    !entry.path().filename().string().ends_with(".pb.gz");
      fs::remove(entry.path());
    }
  }
  CHECK(unfinished == 0);
}

TEST_CASE("a reader that has the old file open keeps it") {
  const TemporaryDirectory dir;
  std::string error;
  REQUIRE(write_file_atomically(dir.path, "x", "old", error));
  std::ifstream reader(dir.path / "x");
  REQUIRE(write_file_atomically(dir.path, "x", "new", error));
  std::string seen;
  reader >> seen;
  CHECK(seen == "old");
}

TEST_CASE("a link of that name is not followed, nothing but a file is replaced") {
  const TemporaryDirectory dir;
  std::string error;
  std::ofstream(dir.path / "victim") << "precious";
  fs::create_symlink(dir.path / "victim", dir.path / "link");
  CHECK_FALSE(write_file_atomically(dir.path, "link", "x", error));
  CHECK(error == (dir.path / "link").string() + ": exists and is not a regular file");
  CHECK(content(dir.path / "victim") == "precious");
  fs::create_directory(dir.path / "sub");
  CHECK_FALSE(write_file_atomically(dir.path, "sub", "x", error));
  REQUIRE(mkfifo((dir.path / "pipe").c_str(), 0600) == 0);
  CHECK_FALSE(write_file_atomically(dir.path, "pipe", "x", error));
  CHECK(entries(dir.path) == 4);
}

TEST_CASE("errors name the file and the reason") {
  const TemporaryDirectory dir;
  std::string error;
  const std::string missing = (dir.path / "nowhere").string();
  CHECK_FALSE(write_file_atomically(missing, "x", "y", error));
  CHECK(error == missing + "/x: No such file or directory");
  CHECK_FALSE(write_file_atomically(dir.path, std::string(400, 'n'), "y", error));
  CHECK_THAT(error, Catch::EndsWith(": File name too long"));
  for (const auto* name : {"", ".", "..", "a/b", "../x", "/etc/x"}) {
    CHECK_FALSE(write_file_atomically(dir.path, name, "y", error));
    CHECK_THAT(error, Catch::EndsWith(": not a file name"));
  }
  CHECK(entries(dir.path) == 0);
}

TEST_CASE("a write that fails half way leaves the old file and nothing else") {
  const TemporaryDirectory dir;
  std::string error;
  REQUIRE(write_file_atomically(dir.path, "x", "old", error));
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100'000, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const bool written = write_file_atomically(dir.path, "x", std::string(500'000, 'n'), error);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK_FALSE(written);
  CHECK(error == (dir.path / "x").string() + ": File too large");
  CHECK(content(dir.path / "x") == "old");
  CHECK(entries(dir.path) == 1);
}
