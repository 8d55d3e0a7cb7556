// SPDX-License-Identifier: Apache-2.0
#include "transport/spool.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <tuple>
#include <utility>

#include "transport/errno_text.h"

namespace otprof::transport {

namespace {

// Their list is held in memory while room is being made.
constexpr std::size_t kMostFiles = 10'000;

bool is_spool_name(std::string_view name) { return parse_window_name(name, {}).has_value(); }

std::uint32_t process_number() {
  std::uint32_t number = 0;
  if (getrandom(&number, sizeof number, GRND_NONBLOCK) == sizeof number) return number;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint32_t>(now.tv_nsec) ^ static_cast<std::uint32_t>(getpid()) << 12U;
}

}  // namespace

std::unique_ptr<Spool> Spool::open(SpoolConfig config, std::string& error) {
  auto directory = SpoolDirectory::open(config.directory, error);
  if (!directory) return nullptr;
  std::unique_ptr<Spool> spool(new Spool(std::move(config), *std::move(directory)));
  spool->scan();
  return spool;
}

Spool::Spool(SpoolConfig config, SpoolDirectory directory)
    : config_(std::move(config)),
      directory_(std::move(directory)),
      prefix_(spool_prefix(config_.service)),
      process_(process_number()) {}

void Spool::warn(const std::string& line) const {
  if (config_.warn != nullptr) config_.warn(config_.warn_context, "spool " + line);
}

WindowId Spool::new_id(std::uint64_t start_ns) {
  return {.start_ns = start_ns, .number = std::uint64_t{process_} << 32U | next_number_++};
}

std::vector<Spool::Entry> Spool::list() const {
  std::vector<Entry> entries;
  for (SpoolDirectory::File& file : directory_.list(is_spool_name)) {
    const WindowName name = *parse_window_name(file.name, prefix_);
    entries.push_back({std::move(file), name});
  }
  return entries;
}

void Spool::scan() {
  waiting_.clear();
  bytes_ = 0;
  files_ = 0;
  std::map<WindowId, std::uint64_t> still_there;
  for (const Entry& entry : list()) {
    bytes_ += entry.file.size;
    ++files_;
    if (entry.window.kind == WindowName::Kind::kTemporary) {
      drop(entry);  // its writer is dead, unless it is locked
    } else if (entry.window.kind == WindowName::Kind::kWindow && !entry.file.is_regular) {
      set_aside(entry.file.name, "is not a regular file");
    } else if (entry.window.kind == WindowName::Kind::kWindow && entry.window.is_own_service) {
      const bool is_in_use = (taken_ && taken_->id == entry.window.id) ||
                             (journal_ && journal_->name == entry.file.name);
      if (!is_in_use) waiting_.push_back(entry.window.id);
      if (const auto own = own_.find(entry.window.id); own != own_.end()) still_there.insert(*own);
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

bool Spool::fail_journal(std::string_view what, int error) {
  journal_failed_ = true;
  return fail(what, error);
}

bool Spool::fail(std::string_view what, int error) {
  if (!std::exchange(is_failing_, true)) {
    std::string line = config_.directory;
    line.append(": ").append(what).append(": ").append(errno_text(error));
    warn(line + "; windows wait in memory until that is mended");
  }
  return false;
}

bool Spool::journal(std::uint64_t start_ns, const Body& piece) {
  constexpr std::uint64_t kOverhead = 64;
  if (!make_room(piece.bytes.size() + kOverhead, 0)) return fail_journal("full", ENOSPC);
  if (!journal_) {
    SpoolDirectory::Locked open{
        .name = window_name(prefix_, new_id(start_ns)), .file = {}, .size = 0};
    const std::string temporary = open.name + std::string(kTemporarySuffix);
    open.file = directory_.create(temporary, false);
    if (!open.file.is_open() || !directory_.rename(temporary, open.name)) {
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

bool Spool::store(std::uint64_t start_ns, std::span<const Body> bodies) {
  std::uint64_t size = 0;
  for (const Body& body : bodies) size += body.bytes.size();
  const std::string name = journal_ ? journal_->name : window_name(prefix_, new_id(start_ns));
  const std::uint64_t replaced = journal_ ? journal_->size : 0;
  errno = ENOSPC;
  if (!make_room(size, replaced) || !directory_.replace(name, bodies, size)) {
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
  const WindowId id = parse_window_name(name, prefix_)->id;
  own_[id] = bodies.size();
  waiting_.push_back(id);
  return true;
}

void Spool::drop_journal() {
  if (!journal_) return;
  remove(journal_->name, journal_->size);
  journal_.reset();
}

bool Spool::take_next() {
  while (!waiting_.empty()) {
    const WindowId id = waiting_.front();
    waiting_.pop_front();
    const std::string name = window_name(prefix_, id);
    std::string why_not;
    if (auto open = directory_.lock(name, why_not)) {
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
    return std::tuple(entry.window.kind, entry.window.id, entry.window.is_own_service);
  });
  for (const Entry& entry : entries) {
    if (fits()) break;
    if (entry.file.is_regular) drop(entry);
  }
  return fits();
}

void Spool::drop(const Entry& entry) {
  std::string why_not;
  const auto open = directory_.lock(entry.file.name, why_not);
  if (!open && why_not.empty()) return;
  if (entry.window.kind == WindowName::Kind::kWindow && open) {
    const std::uint64_t bodies = SpoolReader(open->file.get()).count_left();
    counters_.dropped += bodies;
    count_gone(entry.window.id, bodies);
    if (!std::exchange(is_full_, true)) {
      warn(config_.directory + ": full; the oldest windows are dropped");
    }
  }
  remove(entry.file.name, entry.file.size);
}

void Spool::remove(const std::string& name, std::uint64_t size) {
  if (!directory_.remove(name)) return;
  bytes_ -= std::min(bytes_, size);
  files_ -= std::min<std::size_t>(files_, 1);
}

void Spool::set_aside(const std::string& name, std::string_view why) {
  ++counters_.set_aside;
  const std::string aside = name + std::string(kBadSuffix);
  const bool is_done = directory_.rename(name, aside);
  std::string line = config_.directory;
  line.append("/").append(name).append(" ").append(why).append("; it is ");
  warn(line + (is_done ? "not sent, and now ends with .bad" : "not sent"));
}

void Spool::count_gone(WindowId id, std::uint64_t bodies) {
  const auto own = own_.find(id);
  if (own == own_.end()) {
    counters_.recovered += bodies;
    return;
  }
  own->second -= std::min(own->second, bodies);
  if (own->second == 0) own_.erase(own);
}

}  // namespace otprof::transport
