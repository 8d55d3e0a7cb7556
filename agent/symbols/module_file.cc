// SPDX-License-Identifier: Apache-2.0
// SHA256_* is used on purpose: it computes and nothing else. EVP, its successor, loads
// configuration and providers and registers exit handlers, in a process that is not ours.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "agent/symbols/module_file.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace otprof::symbols {
namespace {

constexpr std::size_t kHashedBytes = 4096;
constexpr std::size_t kHashBytes = 16;

// The stated text range begins with the first executable segment or, where several are stated
// apart, with one of them.
bool has_mapped_code(const ElfFile& elf, const Module& module) {
  return std::ranges::any_of(elf.segments(), [&](const Elf64_Phdr& segment) {
    return segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
           segment.p_vaddr - segment.p_offset ==
               module.text_start - module.bias - module.text_offset &&
           segment.p_offset >= module.text_offset &&
           segment.p_vaddr + module.bias < module.text_limit;
  });
}

}  // namespace

FileState open_module_file(const Module& module, FileSource& file, std::optional<ElfFile>& elf) {
  if (module.path.empty() || module.path.front() != '/' || !file.open(module.path)) {
    return FileState::kUnreadable;
  }
  const bool same_inode =
      module.inode != 0 && module.inode == file.inode() && module.device == file.device();
  elf = ElfFile::open(file);
  // A foreign file is not a malformed one: whatever took the path may be anything.
  if (!elf) return same_inode ? FileState::kMalformed : FileState::kUnreadable;
  const bool same = module.build_id.empty() ? same_inode && elf->build_id().empty()
                                            : module.build_id == elf->build_id();
  return same && has_mapped_code(*elf, module) ? FileState::kSame : FileState::kUnreadable;
}

std::string htl_hash_of(const Module& module) {
  FileSource file;
  std::optional<ElfFile> elf;
  if (open_module_file(module, file, elf) != FileState::kSame) return {};
  std::array<unsigned char, kHashedBytes> part;
  const std::size_t size = std::min<std::uint64_t>(part.size(), file.size());
  SHA256_CTX context;
  SHA256_Init(&context);
  for (const std::uint64_t offset : {std::uint64_t{0}, file.size() - size}) {
    if (!file.read(offset, part.data(), size)) return {};
    SHA256_Update(&context, part.data(), size);
  }
  std::array<unsigned char, 8> length;
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<unsigned char>(file.size() >> (56 - 8 * i));
  }
  SHA256_Update(&context, length.data(), length.size());
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256_Final(digest.data(), &context);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < kHashBytes; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15U];
  }
  return text;
}

}  // namespace otprof::symbols
