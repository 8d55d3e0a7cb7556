// SPDX-License-Identifier: Apache-2.0
#include "agent/credentials.h"

#include <linux/securebits.h>
#include <sys/prctl.h>

#include "agent/raw_syscall.h"
#include "agent/unusual_calls.h"

namespace otprof::agent {
namespace {

using AllRights = decltype(Credentials::rights);
constexpr long kKeepRights = SECBIT_KEEP_CAPS;

AllRights own_rights() noexcept {
  AllRights rights{};
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  unusual_syscall(SYS_capget, syscall_argument(&header), syscall_argument(rights.data()));
  return rights;
}

void set_rights(const AllRights& rights) noexcept {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  raw_syscall(SYS_capset, syscall_argument(&header), syscall_argument(rights.data()));
}

void keep_rights(bool keep) noexcept { raw_syscall(SYS_prctl, PR_SET_KEEPCAPS, keep ? 1 : 0); }

// What the thread is permitted is in effect, and stays permitted whatever users it becomes.
void use_all_rights() noexcept {
  AllRights all = own_rights();
  for (Credentials::Rights& rights : all) {
    rights.effective = rights.permitted;
  }
  set_rights(all);
  keep_rights(true);
}

void set_users_and_groups(const Credentials& wanted) noexcept {
  use_all_rights();
  const auto& [group, effective_group, saved_group] = wanted.groups;
  raw_syscall(SYS_setresgid, group, effective_group, saved_group);
  const auto& [user, effective_user, saved_user] = wanted.users;
  raw_syscall(SYS_setresuid, user, effective_user, saved_user);
}

}  // namespace

Credentials own_credentials() noexcept {
  static_assert(sizeof(AllRights) == _LINUX_CAPABILITY_U32S_3 * sizeof(__user_cap_data_struct));
  Credentials own;
  auto& [user, effective_user, saved_user] = own.users;
  unusual_syscall(SYS_getresuid, syscall_argument(&user), syscall_argument(&effective_user),
                  syscall_argument(&saved_user));
  auto& [group, effective_group, saved_group] = own.groups;
  unusual_syscall(SYS_getresgid, syscall_argument(&group), syscall_argument(&effective_group),
                  syscall_argument(&saved_group));
  own.rights = own_rights();
  own.secure_bits = raw_syscall(SYS_prctl, PR_GET_SECUREBITS);
  return own;
}

bool take_on(const Credentials& wanted) noexcept {
  Credentials own = own_credentials();
  if (own == wanted) {
    return true;
  }
  if (own.users != wanted.users || own.groups != wanted.groups) {
    set_users_and_groups(wanted);
    own = own_credentials();
  }
  // Locked bits come last of what takes rights, all but the one that takes none.
  if (((own.secure_bits ^ wanted.secure_bits) & ~kKeepRights) != 0) {
    use_all_rights();
    raw_syscall(SYS_prctl, PR_SET_SECUREBITS, wanted.secure_bits);
  }
  set_rights(wanted.rights);
  keep_rights((wanted.secure_bits & kKeepRights) != 0);
  return own_credentials() == wanted;
}

}  // namespace otprof::agent
