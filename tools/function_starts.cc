// SPDX-License-Identifier: Apache-2.0
#include "tools/function_starts.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "tools/hex.h"

namespace otprof::tools {
namespace {

// What is read of one file at most: programs of several hundred MiB have tables of some ten.
constexpr std::uint64_t kMaxTableBytes = std::uint64_t{64} << 20U;
constexpr std::uint64_t kMaxNoteBytes = 65536;

class File {
 public:
  explicit File(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat status {};
    if (fd_ >= 0 && (fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode))) {
      close(fd_);
      fd_ = -1;
    }
  }
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// `size` bytes at `offset`; empty if there are fewer.
std::string read_bytes(int file, std::uint64_t offset, std::uint64_t size) {
  std::string bytes(size, '\0');
  if (pread(file, bytes.data(), size, static_cast<off_t>(offset)) != static_cast<ssize_t>(size)) {
    bytes.clear();
  }
  return bytes;
}

template <class T>
bool read_as(std::string_view bytes, std::size_t at, T& out) {
  if (at > bytes.size() || sizeof out > bytes.size() - at) return false;
  std::memcpy(&out, bytes.data() + at, sizeof out);
  return true;
}

// The GNU build id among the notes of a segment, as hex; empty if there is none.
std::string build_id_in(std::string_view notes) {
  const auto padded = [](std::size_t size) { return (size + 3) & ~std::size_t{3}; };
  Elf64_Nhdr note{};
  for (std::size_t at = 0; read_as(notes, at, note);) {
    const std::size_t name = at + sizeof note;
    const std::size_t content = name + padded(note.n_namesz);
    if (content > notes.size() || note.n_descsz > notes.size() - content) break;
    if (note.n_type == NT_GNU_BUILD_ID && notes.substr(name, 4) == std::string_view("GNU\0", 4)) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(notes.data() + content);
      return to_hex({bytes, note.n_descsz});
    }
    at = content + padded(note.n_descsz);
  }
  return {};
}

}  // namespace

FunctionStarts::FunctionStarts(const std::string& path, std::string_view build_id_hex) {
  const File file(path);
  Elf64_Ehdr header{};
  if (file.fd() < 0 || build_id_hex.empty() ||
      !read_as(read_bytes(file.fd(), 0, sizeof header), 0, header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_phentsize != sizeof(Elf64_Phdr)) {
    return;
  }
  const std::string table =
      read_bytes(file.fd(), header.e_phoff, std::uint64_t{header.e_phnum} * header.e_phentsize);
  Elf64_Phdr segment{};
  Elf64_Phdr unwind{};
  bool same_file = false;
  for (std::size_t at = 0; read_as(table, at, segment); at += sizeof segment) {
    if (segment.p_type == PT_LOAD) {
      segments_.push_back({segment.p_offset, segment.p_filesz, segment.p_vaddr});
    } else if (segment.p_type == PT_GNU_EH_FRAME) {
      unwind = segment;
    } else if (segment.p_type == PT_NOTE && segment.p_filesz <= kMaxNoteBytes) {
      same_file = same_file || build_id_in(read_bytes(file.fd(), segment.p_offset,
                                                      segment.p_filesz)) == build_id_hex;
    }
  }
  if (!same_file) {
    segments_.clear();
  } else if (unwind.p_filesz <= kMaxTableBytes) {
    read_table(file.fd(), unwind.p_offset, unwind.p_filesz, unwind.p_vaddr);
  }
}

// Layout of .eh_frame_hdr (Linux Standard Base, "Exception Frames"): version, three encodings, a
// pointer, the number of entries, then entries of function start and unwind entry. Linkers write one
// form only: 4 bytes each, relative to the header.
void FunctionStarts::read_table(int file, std::uint64_t offset, std::uint64_t size,
                                std::uint64_t address) {
  constexpr std::string_view kUsualForm = "\x01\x1b\x03\x3b";
  constexpr std::size_t kFirstEntry = 12;
  const std::string bytes = read_bytes(file, offset, size);
  if (!bytes.starts_with(kUsualForm)) return;
  std::int32_t relative = 0;
  for (std::size_t at = kFirstEntry; read_as(bytes, at, relative); at += 2 * sizeof relative) {
    starts_.push_back(address + static_cast<std::uint64_t>(std::int64_t{relative}));
  }
  std::ranges::sort(starts_);
}

std::optional<std::uint64_t> FunctionStarts::address_of(std::uint64_t file_offset) const {
  for (const Segment& segment : segments_) {
    if (file_offset >= segment.offset && file_offset - segment.offset < segment.size) {
      return file_offset - segment.offset + segment.address;
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> FunctionStarts::start_of(std::uint64_t address) const {
  const auto after = std::ranges::upper_bound(starts_, address);
  if (after == starts_.begin()) return std::nullopt;
  return *(after - 1);
}

}  // namespace otprof::tools
