// SPDX-License-Identifier: Apache-2.0
//
// A directory in which windows wait for delivery, over outages and over the ends of processes.
//
// Each window is one file, named by service, start of the window and a number that no other process
// gives: names in order are windows in order. Several processes may share the directory. Whoever
// works on a file holds a lock (flock) on it, which the kernel takes back when the process ends,
// however it ends; what is locked is left alone by the others. So:
//   - the window under way is a file, too: a journal, to which pieces are added as they come. When
//     the window ends, the finished file replaces it in one step. If the process is killed before,
//     its pieces are a window for the next process of that service, at no further effort.
//   - nothing is sent by two processes at once, and what has been delivered is gone from the disk.
//     Only a process killed after the receiver took a window and before that was noted leaves it to
//     be sent again, with the same bytes, by whose profile ids a receiver can tell.
//
// Promises: files are 0600; no symbolic link is followed; files of other users, and files that others
// can write to, are not read; a window is on the disk (fsync) before store() says so; the directory's
// files together stay within max_bytes, for which the oldest windows go first, of whatever service,
// and are counted; a file that is not what it should be is set aside under a name that ends with
// .bad, counted, and told of.
// Background thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transport/body.h"
#include "transport/spool_directory.h"
#include "transport/spool_file.h"
#include "transport/spool_names.h"

namespace otprof::transport {

struct SpoolConfig {
  std::string directory;  // absolute; made (0700) if it is not there
  std::string service;    // only files of this service are taken
  std::uint64_t max_bytes = std::uint64_t{64} << 20;
  void (*warn)(void* context, std::string_view message) = nullptr;
  void* warn_context = nullptr;
};

struct SpoolCounters {
  std::uint64_t stored = 0;     // bodies put on disk by store()
  std::uint64_t recovered = 0;  // bodies of other processes that were settled or dropped here
  std::uint64_t dropped = 0;    // bodies dropped for lack of room
  std::uint64_t passed_on = 0;  // bodies of this process's that another one has settled or dropped
  std::uint64_t torn = 0;       // journals whose last piece was cut short by the end of the process
  std::uint64_t set_aside = 0;  // files that were not what they should be
  std::uint64_t failed = 0;     // bodies that could not be put on disk
};

class Spool {
 public:
  // Nothing with `error` when the directory cannot be used.
  static std::unique_ptr<Spool> open(SpoolConfig config, std::string& error);

  // Adds a piece to the journal of the window that began at `start_ns` (Unix time). False when it
  // cannot be written, which has been told; the journal then ends before it.
  bool journal(std::uint64_t start_ns, const Body& piece);
  // Puts the finished window in the journal's place. False when it cannot be written, which has been
  // told: the window is the caller's, and there is no journal of it any more.
  bool store(std::uint64_t start_ns, std::span<const Body> bodies);
  // The window that was journalled is no more.
  void drop_journal();

  // The next body of the oldest window that no other process works on. One at a time: again after
  // settle() or give_back(). Empty: there is none that was seen by the last scan().
  std::optional<Body> take();
  void settle();
  void give_back();

  // Looks for windows left by other processes, and at the room taken.
  void scan();

  // What this process has stored and nobody, as of the last scan(), has settled.
  std::uint64_t bodies_left() const;
  // Of the whole directory.
  std::uint64_t bytes() const { return bytes_; }
  const SpoolCounters& counters() const { return counters_; }

 private:
  struct Entry {
    SpoolDirectory::File file;
    WindowName window;
  };
  struct Taken {
    WindowId id;
    SpoolDirectory::Locked open;
    SpoolReader reader;
  };

  Spool(SpoolConfig config, SpoolDirectory directory);

  WindowId new_id(std::uint64_t start_ns);
  std::vector<Entry> list() const;
  bool take_next();
  bool make_room(std::uint64_t size, std::uint64_t replaced);
  void drop(const Entry& entry);
  void remove(const std::string& name, std::uint64_t size);
  void set_aside(const std::string& name, std::string_view why);
  // A body of that window is no longer on disk.
  void count_gone(WindowId id, std::uint64_t bodies);
  bool fail(std::string_view what, int error);
  bool fail_journal(std::string_view what, int error);
  void warn(const std::string& line) const;

  const SpoolConfig config_;
  const SpoolDirectory directory_;
  const std::string prefix_;
  std::uint32_t process_ = 0;  // upper half of this process's numbers
  std::uint32_t next_number_ = 0;
  std::map<WindowId, std::uint64_t> own_;  // bodies this process has stored and nobody has settled
  std::deque<WindowId> waiting_;           // oldest first, this service's
  std::optional<Taken> taken_;
  std::optional<SpoolDirectory::Locked> journal_;
  std::uint64_t journal_end_ = 0;
  std::uint64_t bytes_ = 0;  // of all files, as of the last scan and by what was done here since
  std::size_t files_ = 0;    // the same
  bool is_failing_ = false;  // and told so
  bool journal_failed_ = false;  // in this window
  bool is_full_ = false;
  SpoolCounters counters_;
};

}  // namespace otprof::transport
