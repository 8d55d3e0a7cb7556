// SPDX-License-Identifier: Apache-2.0
//
// The spool on a real file system, several Spool objects standing for several processes: locks are
// those of open files, so they exclude each other within a process, too.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "transport/spool.h"

namespace fs = std::filesystem;
using otprof::transport::Body;
using otprof::transport::Spool;
using otprof::transport::SpoolConfig;

namespace {

struct Directory {
  Directory() {
    std::string name = (fs::temp_directory_path() / "otprof-spool-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Directory() { fs::remove_all(path); }

  std::unique_ptr<Spool> open(const std::string& service = "shop",
                              std::uint64_t max_bytes = 64 << 20) {
    SpoolConfig config{.directory = path, .service = service, .max_bytes = max_bytes};
    config.warn = [](void* context, std::string_view line) {
      static_cast<std::vector<std::string>*>(context)->emplace_back(line);
    };
    config.warn_context = &warnings;
    std::string error;
    auto spool = Spool::open(config, error);
    INFO(error);
    REQUIRE(spool != nullptr);
    return spool;
  }

  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path)) found.push_back(entry.path());
    std::ranges::sort(found);
    return found;
  }

  fs::path path;
  std::vector<std::string> warnings;
};

Body body_of(const std::string& text) {
  return {.bytes = text, .gzip = true, .uncompressed_bytes = text.size() * 3, .is_on_disk = false};
}

bool store(Spool& spool, std::uint64_t start, const std::string& text) {
  const std::vector<Body> bodies = {body_of(text)};
  return spool.store(start, bodies);
}

// Everything there is to take, in order, each settled.
std::vector<std::string> take_all(Spool& spool) {
  std::vector<std::string> taken;
  while (auto body = spool.take()) {
    taken.push_back(body->bytes);
    spool.settle();
  }
  return taken;
}

using Texts = std::vector<std::string>;

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void overwrite(const fs::path& path, std::size_t at, char byte) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

}  // namespace

TEST_CASE("windows come back as they were, oldest first, once") {
  Directory dir;
  const auto spool = dir.open();
  const std::vector<Body> three = {body_of("b1"), body_of(""), body_of(std::string(300'000, 'x'))};
  REQUIRE(spool->store(20, three));
  REQUIRE(store(*spool, 30, "c"));
  REQUIRE(store(*dir.open(), 10, "a"));
  CHECK(spool->bodies_left() == 4);
  spool->scan();
  for (const fs::path& file : dir.files()) {
    struct stat info {};
    REQUIRE(stat(file.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0600);
  }
  const auto first = spool->take();
  REQUIRE(first);
  CHECK((first->gzip && first->is_on_disk && first->uncompressed_bytes == 3));
  spool->give_back();
  CHECK(take_all(*spool) == Texts{"a", "b1", "", three[2].bytes, "c"});
  CHECK(dir.files().empty());
  CHECK(spool->bodies_left() == 0);
  CHECK(spool->counters().stored == 4);
  CHECK(spool->counters().recovered == 1);
  CHECK(spool->bytes() == 0);
  CHECK(dir.warnings.empty());
}

TEST_CASE("what is settled stays settled when the process ends in the middle of a window") {
  Directory dir;
  {
    const auto spool = dir.open();
    const std::vector<Body> bodies = {body_of("one"), body_of("two"), body_of("three")};
    REQUIRE(spool->store(1, bodies));
    REQUIRE(spool->take());
    spool->settle();
    REQUIRE(spool->take()->bytes == "two");
  }
  CHECK(take_all(*dir.open()) == Texts{"two", "three"});
  CHECK(dir.files().empty());
}

TEST_CASE("a window that another process works on is left alone") {
  Directory dir;
  const auto one = dir.open();
  REQUIRE(store(*one, 1, "a"));
  REQUIRE(store(*one, 2, "b"));
  auto two = dir.open();
  REQUIRE(one->take()->bytes == "a");
  REQUIRE(two->take()->bytes == "b");
  CHECK_FALSE(dir.open()->take());
  two->settle();
  CHECK_FALSE(two->take());
  one->scan();
  CHECK(one->counters().passed_on == 1);
  CHECK(one->bodies_left() == 1);
  two->scan();
  CHECK_FALSE(two->take());
  one->give_back();
  two->scan();
  CHECK(two->take()->bytes == "a");
  two->settle();
  CHECK(take_all(*one).empty());
  CHECK(two->counters().recovered == 2);
}

TEST_CASE("services do not take each other's windows, however alike their names") {
  Directory dir;
  REQUIRE(store(*dir.open("a/b"), 1, "slash"));
  REQUIRE(store(*dir.open("a_b"), 2, "line"));
  REQUIRE(store(*dir.open(""), 3, "none"));
  REQUIRE(store(*dir.open(std::string(5000, 'n')), 4, "long"));
  CHECK(take_all(*dir.open("a_b")) == Texts{"line"});
  CHECK(take_all(*dir.open("a/b")) == Texts{"slash"});
  CHECK(take_all(*dir.open("")) == Texts{"none"});
  CHECK(take_all(*dir.open(std::string(5000, 'n'))) == Texts{"long"});
}

TEST_CASE("the journal of a process that was killed is a window") {
  Directory dir;
  auto victim = dir.open();
  REQUIRE(victim->journal(5, body_of("first")));
  REQUIRE(victim->journal(5, body_of("second")));
  CHECK_FALSE(dir.open()->take());  // while it lives
  victim.reset();                   // its descriptors are closed, as by the kernel
  const auto next = dir.open();
  CHECK(take_all(*next) == Texts{"first", "second"});
  CHECK(next->counters().recovered == 2);
  CHECK(next->counters().torn == 0);
  CHECK(dir.files().empty());
}

TEST_CASE("the finished window takes the journal's place") {
  Directory dir;
  auto spool = dir.open();
  REQUIRE(spool->journal(5, body_of("piece")));
  REQUIRE(dir.files().size() == 1);
  REQUIRE(store(*spool, 5, "whole"));
  REQUIRE(dir.files().size() == 1);
  REQUIRE(spool->journal(6, body_of("piece of the next")));
  CHECK(dir.files().size() == 2);
  spool.reset();
  CHECK(take_all(*dir.open()) == Texts{"whole", "piece of the next"});
  const auto again = dir.open();
  REQUIRE(again->journal(7, body_of("x")));
  again->drop_journal();
  CHECK(dir.files().empty());
  CHECK(again->bytes() == 0);
}

TEST_CASE("a journal cut off anywhere gives the pieces that are whole") {
  Directory dir;
  auto victim = dir.open();
  REQUIRE(victim->journal(5, body_of("first piece")));
  const std::size_t one = content(dir.files().front()).size();
  REQUIRE(victim->journal(5, body_of("second piece")));
  victim.reset();
  const std::string whole = content(dir.files().front());
  const std::string name = dir.files().front();
  for (std::size_t size = 16; size < whole.size(); ++size) {
    for (const bool is_zeroed : {false, true}) {  // the length may be there without the bytes
      std::ofstream(name, std::ios::binary)
          << whole.substr(0, size) << std::string(is_zeroed ? whole.size() - size : 0, '\0');
      chmod(name.c_str(), 0600);
      const auto next = dir.open();
      INFO("cut at " << size);
      CHECK(take_all(*next) == (size < one ? Texts{} : Texts{"first piece"}));
      CHECK(dir.files().empty());
      CHECK(next->counters().set_aside == 0);
    }
  }
}

TEST_CASE("a damaged file is set aside, and what comes after it is sent") {
  Directory dir;
  std::size_t size = 0;
  {
    const auto spool = dir.open();
    REQUIRE(store(*spool, 1, "the damaged one"));
    size = content(dir.files().front()).size();
  }
  const std::string whole = content(dir.files().front());
  const std::string name = dir.files().front();
  REQUIRE(store(*dir.open(), 2, "good"));
  for (std::size_t at = 0; at < size; ++at) {
    if (at >= 9 && at < 12) continue;  // upper bytes of a flag that is either 0 or not
    std::ofstream(name, std::ios::binary) << whole;
    chmod(name.c_str(), 0600);
    overwrite(name, at, static_cast<char>(whole[at] ^ 0x41));
    dir.warnings.clear();
    const auto spool = dir.open();
    INFO("byte " << at);
    const auto body = spool->take();
    REQUIRE(body);
    if (at == 8) {
      CHECK(body->bytes == "the damaged one");  // any value but 0 means complete
      continue;
    }
    CHECK(body->bytes == "good");
    CHECK(spool->counters().set_aside == 1);
    REQUIRE(dir.warnings.size() == 1);
    CHECK(dir.warnings[0] ==
          "spool " + name + " is damaged; it is not sent, and now ends with .bad");
    CHECK(fs::exists(name + ".bad"));
    fs::remove(name + ".bad");
  }
}

TEST_CASE("links, pipes and files that others can write to are not read") {
  Directory dir;
  REQUIRE(store(*dir.open(), 1, "secret"));
  const std::string name = dir.files().front();
  const std::string elsewhere = (dir.path / "elsewhere").string();
  const auto expect_bad = [&](const char* why) {
    dir.warnings.clear();
    const auto spool = dir.open();
    CHECK_FALSE(spool->take());
    CHECK(spool->counters().set_aside == 1);
    REQUIRE(dir.warnings.size() == 1);
    CHECK_THAT(dir.warnings[0], Catch::Contains(why));
    fs::remove(name + ".bad");
  };
  fs::rename(name, elsewhere);
  fs::create_symlink(elsewhere, name);
  expect_bad("is not a regular file");
  CHECK(content(elsewhere).ends_with("secret"));
  REQUIRE(mkfifo(name.c_str(), 0600) == 0);
  expect_bad("is not a regular file");
  fs::create_hard_link(elsewhere, name);
  expect_bad("has a second name");
  fs::rename(elsewhere, name);
  chmod(name.c_str(), 0660);
  expect_bad("can be written to by others");
  std::ofstream(dir.path / "README") << "not ours";
  std::ofstream(dir.path / "shop.otlp") << "not ours either";
  const auto spool = dir.open();
  CHECK_FALSE(spool->take());
  CHECK(spool->bytes() == 0);
  CHECK(dir.files().size() == 2);
}

TEST_CASE("the oldest windows make room for the newest, and are counted") {
  Directory dir;
  const std::string kilobyte(1000, 'k');
  const auto spool = dir.open("shop", 10'000);
  for (std::uint64_t i = 1; i <= 30; ++i) {
    REQUIRE(store(*spool, i, std::to_string(i) + kilobyte));
    std::uintmax_t sum = 0;
    for (const fs::path& file : dir.files()) sum += fs::file_size(file);
    CHECK(sum <= 10'000);
  }
  const auto left = take_all(*spool);
  REQUIRE(left.size() == 9);
  CHECK(left.front() == "22" + kilobyte);
  CHECK(left.back() == "30" + kilobyte);
  CHECK(spool->counters().dropped == 21);
  CHECK(dir.warnings.size() == 1);
  CHECK_FALSE(store(*spool, 31, std::string(20'000, 'x')));
  CHECK(spool->counters().failed == 1);
}

TEST_CASE("what is being sent, and a live journal, are not dropped to make room") {
  Directory dir;
  const std::string kilobyte(1000, 'k');
  const auto one = dir.open("shop", 4'500);
  REQUIRE(store(*one, 1, "taken" + kilobyte));
  REQUIRE(one->take());
  const auto two = dir.open("other", 4'500);
  REQUIRE(two->journal(2, body_of("live" + kilobyte)));
  const auto three = dir.open("third", 4'500);
  for (const auto* text : {"three", "four", "five"}) {
    REQUIRE(store(*three, 3, text + kilobyte));
  }
  one->settle();
  REQUIRE(store(*two, 2, "whole" + kilobyte));
  CHECK((take_all(*three) == Texts{"four" + kilobyte, "five" + kilobyte}));
  CHECK((take_all(*two) == Texts{"whole" + kilobyte}));
  CHECK(three->counters().dropped == 1);
}

TEST_CASE("a disk that is full is told of once, and the window is the caller's") {
  Directory dir;
  const auto spool = dir.open();
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{10'000, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  CHECK(spool->journal(1, body_of("small")));
  CHECK_FALSE(spool->journal(1, body_of(std::string(50'000, 'x'))));
  CHECK(spool->journal(1, body_of("small again")));
  CHECK_FALSE(store(*spool, 1, std::string(50'000, 'x')));
  CHECK_FALSE(store(*spool, 2, std::string(50'000, 'x')));
  const bool is_stored = store(*spool, 3, "fits");
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(is_stored);
  CHECK(spool->counters().failed == 2);
  REQUIRE(dir.warnings.size() == 1);
  CHECK_THAT(dir.warnings[0],
             Catch::EndsWith("a journal cannot be written: File too large; windows "
                             "wait in memory until that is mended"));
  CHECK(take_all(*spool) == Texts{"fits"});
  CHECK(dir.files().empty());
}

TEST_CASE("what a process killed while writing leaves is removed") {
  Directory dir;
  REQUIRE(store(*dir.open(), 1, "a"));
  const std::string name = dir.files().front().string() + ".tmp";
  std::ofstream(name) << "half a file";
  const int locked = open((name.substr(0, name.size() - 10) + "5.otlp.tmp").c_str(),
                          O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(flock(locked, LOCK_EX) == 0);
  CHECK(take_all(*dir.open()) == Texts{"a"});
  CHECK(dir.files().size() == 1);  // somebody is writing that one
  close(locked);
  dir.open();
  CHECK(dir.files().empty());
}

TEST_CASE("a directory that cannot be trusted or used is refused, and says why") {
  const Directory dir;
  std::string error;
  const auto refuse = [&](const fs::path& path) {
    CHECK(Spool::open({.directory = path, .service = "s"}, error) == nullptr);
    return error;
  };
  CHECK(refuse(dir.path / "no" / "where") ==
        (dir.path / "no/where").string() + ": No such file or directory");
  fs::create_directory(dir.path / "real");
  fs::create_symlink(dir.path / "real", dir.path / "link");
  CHECK_THAT(refuse(dir.path / "link"),
             Catch::EndsWith("is a symbolic link, which is not followed"));
  std::ofstream(dir.path / "file") << "x";
  CHECK_THAT(refuse(dir.path / "file"), Catch::EndsWith("Not a directory"));
  chmod((dir.path / "real").c_str(), 0777);
  CHECK_THAT(refuse(dir.path / "real"),
             Catch::EndsWith("others may write to it; chmod go-w, or +t"));
  chmod((dir.path / "real").c_str(), 01777);
  CHECK(Spool::open({.directory = dir.path / "real", .service = "s"}, error) != nullptr);
  CHECK(Spool::open({.directory = dir.path / "new", .service = "s"}, error) != nullptr);
  CHECK((fs::status(dir.path / "new").permissions() & fs::perms::mask) == fs::perms::owner_all);
}
