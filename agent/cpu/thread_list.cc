// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu/thread_list.h"

#include <dirent.h>
#include <string.h>

#include <charconv>

namespace otprof::cpu {

std::vector<pid_t> threads_of_process() {
  std::vector<pid_t> tids;
  DIR* directory = opendir("/proc/self/task");
  if (directory == nullptr) {
    return tids;
  }
  while (const dirent* entry = readdir(directory)) {
    pid_t tid = 0;
    const char* end = entry->d_name + strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, tid).ec == std::errc{}) {
      tids.push_back(tid);
    }
  }
  closedir(directory);
  return tids;
}

}  // namespace otprof::cpu
