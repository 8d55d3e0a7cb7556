// SPDX-License-Identifier: Apache-2.0
#include "transport/spool.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <tuple>
#include <utility>

namespace otprof::transport {

namespace {

constexpr std::string_view kWindowSuffix = ".otlp";
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr std::string_view kBadSuffix = ".bad";
// Their list is held in memory while room is being made.
constexpr std::size_t kMostFiles = 10'000;
constexpr int kMostTries = 8;

// Digits of the two numbers in a name.
constexpr std::size_t kTimeDigits = 20;
constexpr std::size_t kNumberDigits = 16;

std::string padded(std::uint64_t value, int base, std::size_t digits) {
  std::array<char, 24> text{};
  const char* end = std::to_chars(text.data(), text.data() + text.size(), value, base).ptr;
  const auto length = static_cast<std::size_t>(end - text.data());
  return std::string(digits - std::min(digits, length), '0') + std::string(text.data(), length);
}

bool read_number(std::string_view text, int base, std::uint64_t& value) {
  const char* end = text.data() + text.size();
  return std::from_chars(text.data(), end, value, base).ptr == end;
}

// A service name may hold anything, and be of any length; a file name may not. The checksum keeps
// apart what looks equal after that.
std::string prefix_of(std::string_view service) {
  constexpr std::size_t kMost = 64;
  std::string prefix;
  for (const char c : service.substr(0, kMost)) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-';
    prefix += is_plain ? c : '_';
  }
  const uLong sum = crc32_z(0, reinterpret_cast<const Bytef*>(service.data()), service.size());
  return prefix + "." + padded(sum, 16, 8) + ".";
}

std::string reason(int error) {
  // Not strerror_r(): that one translates, and reads the environment for it.
  const char* text = strerrordesc_np(error);
  return text != nullptr ? text : "error " + std::to_string(error);
}

bool take_suffix(std::string_view& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return false;
  name.remove_suffix(suffix.size());
  return true;
}

// The field behind the last dot.
std::string_view take_field(std::string_view& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view field = name.substr(dot + 1);
  name.remove_suffix(field.size() + 1);
  return field;
}

std::uint32_t process_number() {
  std::uint32_t number = 0;
  if (getrandom(&number, sizeof number, GRND_NONBLOCK) == sizeof number) return number;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint32_t>(now.tv_nsec) ^ static_cast<std::uint32_t>(getpid()) << 12U;
}

std::string why_not_usable(const struct stat& info) {
  constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
  if (info.st_uid != geteuid() && info.st_uid != 0) return "belongs to another user";
  if ((info.st_mode & kOthersWrite) != 0 && (info.st_mode & S_ISVTX) == 0) {
    return "others may write to it; chmod go-w, or +t";
  }
  return {};
}

}  // namespace

std::unique_ptr<Spool> Spool::open(SpoolConfig config, std::string& error) {
  const char* path = config.directory.c_str();
  struct stat info {};
  if (mkdir(path, 0700) != 0 && errno != EEXIST) {
    error = config.directory + ": " + reason(errno);
    return nullptr;
  }
  if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode)) {
    error = config.directory + ": is a symbolic link, which is not followed";
    return nullptr;
  }
  Descriptor directory(::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.is_open() || fstat(directory.get(), &info) != 0) {
    error = config.directory + ": " + reason(errno);
    return nullptr;
  }
  if (const std::string why = why_not_usable(info); !why.empty()) {
    error = config.directory + ": " + why;
    return nullptr;
  }
  std::unique_ptr<Spool> spool(new Spool(std::move(config), std::move(directory)));
  spool->scan();
  return spool;
}

Spool::Spool(SpoolConfig config, Descriptor directory)
    : config_(std::move(config)),
      directory_(std::move(directory)),
      prefix_(prefix_of(config_.service)),
      process_(process_number()) {}

void Spool::warn(const std::string& line) const {
  if (config_.warn != nullptr) config_.warn(config_.warn_context, "spool " + line);
}

Spool::Id Spool::new_id(std::uint64_t start_ns) {
  return {.start_ns = start_ns, .number = std::uint64_t{process_} << 32U | next_number_++};
}

std::string Spool::name_of(Id id) const {
  std::string name = prefix_;
  name.append(padded(id.start_ns, 10, kTimeDigits)).append(".");
  return name.append(padded(id.number, 16, kNumberDigits)).append(kWindowSuffix);
}

std::optional<Spool::Entry> Spool::parse(std::string_view name) const {
  Entry entry;
  entry.name = name;
  if (take_suffix(name, kBadSuffix)) {
    entry.kind = Entry::Kind::kBad;
  } else if (take_suffix(name, kTemporarySuffix)) {
    entry.kind = Entry::Kind::kTemporary;
  }
  if (!take_suffix(name, kWindowSuffix)) return std::nullopt;
  const std::string_view number = take_field(name);
  const std::string_view start = take_field(name);
  if (number.size() != kNumberDigits || start.size() != kTimeDigits ||
      !read_number(number, 16, entry.id.number) || !read_number(start, 10, entry.id.start_ns)) {
    return std::nullopt;
  }
  entry.is_own_service = name == std::string_view(prefix_).substr(0, prefix_.size() - 1);
  return entry;
}

std::vector<Spool::Entry> Spool::list() const {
  struct Record {
    std::uint64_t inode;
    std::int64_t offset;
    std::uint16_t length;
    std::uint8_t type;
    char name[1];
  };
  std::vector<Entry> entries;
  // An offset of its own; opendir() would take memory from the host's allocator.
  const Descriptor reader(
      openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  alignas(8) std::array<char, 8192> buffer{};
  long got = 0;
  while (reader.is_open() &&
         (got = syscall(SYS_getdents64, reader.get(), buffer.data(), buffer.size())) > 0) {
    for (long at = 0; at < got;) {
      const auto* record = reinterpret_cast<const Record*>(buffer.data() + at);
      at += record->length;
      auto entry = parse(record->name);
      struct stat info {};
      if (!entry || fstatat(directory_.get(), record->name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
          info.st_uid != geteuid()) {
        continue;
      }
      entry->is_regular = S_ISREG(info.st_mode);
      entry->size = entry->is_regular ? static_cast<std::uint64_t>(info.st_size) : 0;
      entries.push_back(std::move(*entry));
    }
  }
  return entries;
}

void Spool::scan() {
  waiting_.clear();
  bytes_ = 0;
  files_ = 0;
  std::map<Id, std::uint64_t> still_there;
  for (const Entry& entry : list()) {
    bytes_ += entry.size;
    ++files_;
    if (entry.kind == Entry::Kind::kTemporary) {
      drop(entry);  // its writer is dead, unless it is locked
    } else if (entry.kind == Entry::Kind::kWindow && !entry.is_regular) {
      set_aside(entry.name, "is not a regular file");
    } else if (entry.kind == Entry::Kind::kWindow && entry.is_own_service) {
      const bool is_in_use =
          (taken_ && taken_->id == entry.id) || (journal_ && journal_->name == entry.name);
      if (!is_in_use) waiting_.push_back(entry.id);
      if (const auto own = own_.find(entry.id); own != own_.end()) still_there.insert(*own);
    }
  }
  counters_.passed_on += bodies_left();
  own_ = std::move(still_there);
  counters_.passed_on -= bodies_left();
  std::ranges::sort(waiting_);
}

std::uint64_t Spool::bodies_left() const {
  std::uint64_t count = 0;
  for (const auto& [id, bodies] : own_) count += bodies;
  return count;
}

bool Spool::still_names(const std::string& name, int fd) const {
  struct stat named {};
  struct stat held {};
  return fstat(fd, &held) == 0 &&
         fstatat(directory_.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         named.st_ino == held.st_ino && named.st_dev == held.st_dev;
}

// Nothing, and no reason, for what is not there, another user's, or locked.
std::optional<Spool::Open> Spool::lock(const std::string& name, std::string& why_not) const {
  struct stat info {};
  // Before opening: of a device even that may have effects.
  if (fstatat(directory_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
      info.st_uid != geteuid()) {
    return std::nullopt;
  }
  if (!S_ISREG(info.st_mode)) {
    why_not = "is not a regular file";
    return std::nullopt;
  }
  Open open{.name = name,
            .file = Descriptor(openat(directory_.get(), name.c_str(),
                                      O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)),
            .size = 0};
  const int fd = open.file.get();
  // The file may have been finished by another process, or replaced, before the lock was ours.
  if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || !still_names(name, fd) ||
      fstat(fd, &info) != 0) {
    return std::nullopt;
  }
  if (info.st_nlink != 1) why_not = "has a second name";
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) why_not = "can be written to by others";
  if (!why_not.empty()) return std::nullopt;
  open.size = static_cast<std::uint64_t>(info.st_size);
  return open;
}

// Locked before anybody else can have it.
Descriptor Spool::create(const std::string& name, bool is_complete) const {
  for (int i = 0; i < kMostTries; ++i) {
    Descriptor file(openat(directory_.get(), name.c_str(),
                           O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.is_open()) return file;
    // Whatever the umask was. Another process may have taken it for a dead one's, and removed it.
    if (fchmod(file.get(), 0600) != 0 || flock(file.get(), LOCK_EX | LOCK_NB) != 0 ||
        !still_names(name, file.get())) {
      continue;
    }
    if (write_spool_header(file.get(), is_complete)) return file;
    const int error = errno;
    unlinkat(directory_.get(), name.c_str(), 0);
    errno = error;
    return {};
  }
  errno = EAGAIN;
  return {};
}

bool Spool::fail_journal(std::string_view what, int error) {
  journal_failed_ = true;
  return fail(what, error);
}

bool Spool::fail(std::string_view what, int error) {
  if (!std::exchange(is_failing_, true)) {
    std::string line = config_.directory;
    line.append(": ").append(what).append(": ").append(reason(error));
    warn(line + "; windows wait in memory until that is mended");
  }
  return false;
}

bool Spool::journal(std::uint64_t start_ns, const Body& piece) {
  constexpr std::uint64_t kOverhead = 64;
  if (!make_room(piece.bytes.size() + kOverhead, 0)) return fail_journal("full", ENOSPC);
  if (!journal_) {
    Open open{.name = name_of(new_id(start_ns)), .file = {}, .size = 0};
    const std::string temporary = open.name + std::string(kTemporarySuffix);
    open.file = create(temporary, false);
    if (!open.file.is_open() ||
        renameat(directory_.get(), temporary.c_str(), directory_.get(), open.name.c_str()) != 0) {
      return fail_journal("a journal cannot be made", errno);
    }
    journal_ = std::move(open);
    journal_end_ = 0;
    ++files_;
  }
  if (!append_spool_body(journal_->file.get(), piece, journal_end_)) {
    return fail_journal("a journal cannot be written", errno);
  }
  bytes_ += journal_end_ - journal_->size;
  journal_->size = journal_end_;
  return true;
}

bool Spool::replace(const std::string& name, std::span<const Body> bodies, std::uint64_t& size) {
  const std::string temporary = name + std::string(kTemporarySuffix);
  const Descriptor file = create(temporary, true);
  if (!file.is_open()) return false;
  size = 0;
  const bool is_written = std::ranges::all_of(
      bodies, [&](const Body& body) { return append_spool_body(file.get(), body, size); });
  if (is_written && fsync(file.get()) == 0 &&
      renameat(directory_.get(), temporary.c_str(), directory_.get(), name.c_str()) == 0) {
    fsync(directory_.get());  // where a directory cannot be synced, nothing can be done about it
    return true;
  }
  const int error = errno;
  unlinkat(directory_.get(), temporary.c_str(), 0);
  errno = error;
  return false;
}

bool Spool::store(std::uint64_t start_ns, std::span<const Body> bodies) {
  std::uint64_t size = 0;
  for (const Body& body : bodies) size += body.bytes.size();
  const std::string name = journal_ ? journal_->name : name_of(new_id(start_ns));
  const std::uint64_t replaced = journal_ ? journal_->size : 0;
  errno = ENOSPC;
  if (!make_room(size, replaced) || !replace(name, bodies, size)) {
    const int error = errno;
    drop_journal();
    counters_.failed += bodies.size();
    return fail("a window cannot be written", error);
  }
  if (!journal_) ++files_;
  journal_.reset();
  bytes_ += size - replaced;
  is_failing_ = std::exchange(journal_failed_, false);
  counters_.stored += bodies.size();
  const auto entry = parse(name);
  own_[entry->id] = bodies.size();
  waiting_.push_back(entry->id);
  return true;
}

void Spool::drop_journal() {
  if (!journal_) return;
  remove(journal_->name, journal_->size);
  journal_.reset();
}

bool Spool::take_next() {
  while (!waiting_.empty()) {
    const Id id = waiting_.front();
    waiting_.pop_front();
    const std::string name = name_of(id);
    std::string why_not;
    if (auto open = lock(name, why_not)) {
      const int fd = open->file.get();
      taken_.emplace(Taken{.id = id, .open = std::move(*open), .reader = SpoolReader(fd)});
      return true;
    }
    if (!why_not.empty()) set_aside(name, why_not);
  }
  return false;
}

std::optional<Body> Spool::take() {
  while (taken_ || take_next()) {
    Body body;
    switch (taken_->reader.next(body)) {
      case SpoolReader::Result::kBody: body.is_on_disk = true; return body;
      case SpoolReader::Result::kDamaged:
        set_aside(taken_->open.name, "is damaged");
        if (const auto own = own_.find(taken_->id); own != own_.end()) {
          counters_.dropped += own->second;
          own_.erase(own);
        }
        break;
      case SpoolReader::Result::kTorn: ++counters_.torn; [[fallthrough]];
      case SpoolReader::Result::kEnd: remove(taken_->open.name, taken_->open.size); break;
    }
    taken_.reset();
  }
  return std::nullopt;
}

void Spool::settle() {
  is_full_ = false;
  count_gone(taken_->id, 1);
  if (!taken_->reader.settle()) fail("what is delivered cannot be noted", errno);
  if (taken_->reader.count_left() == 0) {
    Body none;
    if (taken_->reader.next(none) == SpoolReader::Result::kTorn) ++counters_.torn;
    remove(taken_->open.name, taken_->open.size);
    taken_.reset();
  }
}

void Spool::give_back() {
  waiting_.push_front(taken_->id);
  taken_.reset();
}

bool Spool::make_room(std::uint64_t size, std::uint64_t replaced) {
  const auto fits = [&] {
    return bytes_ - std::min(bytes_, replaced) + size <= config_.max_bytes && files_ < kMostFiles;
  };
  if (fits()) return true;
  if (size > config_.max_bytes) return false;
  scan();
  std::vector<Entry> entries = list();
  std::ranges::sort(entries, {}, [](const Entry& entry) {
    return std::tuple(entry.kind, entry.id, entry.is_own_service);
  });
  for (const Entry& entry : entries) {
    if (fits()) break;
    if (entry.is_regular) drop(entry);
  }
  return fits();
}

void Spool::drop(const Entry& entry) {
  std::string why_not;
  const auto open = lock(entry.name, why_not);
  if (!open && why_not.empty()) return;
  if (entry.kind == Entry::Kind::kWindow && open) {
    const std::uint64_t bodies = SpoolReader(open->file.get()).count_left();
    counters_.dropped += bodies;
    count_gone(entry.id, bodies);
    if (!std::exchange(is_full_, true)) {
      warn(config_.directory + ": full; the oldest windows are dropped");
    }
  }
  remove(entry.name, entry.size);
}

void Spool::remove(const std::string& name, std::uint64_t size) {
  if (unlinkat(directory_.get(), name.c_str(), 0) != 0) return;
  bytes_ -= std::min(bytes_, size);
  files_ -= std::min<std::size_t>(files_, 1);
}

void Spool::set_aside(const std::string& name, std::string_view why) {
  ++counters_.set_aside;
  const std::string aside = name + std::string(kBadSuffix);
  const bool is_done =
      renameat(directory_.get(), name.c_str(), directory_.get(), aside.c_str()) == 0;
  std::string line = config_.directory;
  line.append("/").append(name).append(" ").append(why).append("; it is ");
  warn(line + (is_done ? "not sent, and now ends with .bad" : "not sent"));
}

void Spool::count_gone(Id id, std::uint64_t bodies) {
  const auto own = own_.find(id);
  if (own == own_.end()) {
    counters_.recovered += bodies;
    return;
  }
  own->second -= std::min(own->second, bodies);
  if (own->second == 0) own_.erase(own);
}

}  // namespace otprof::transport
