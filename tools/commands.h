// SPDX-License-Identifier: Apache-2.0
//
// The subcommands, each defined in its cmd_*.cc.
#pragma once

#include "tools/command.h"

namespace otprof::tools {

extern const Command kRunCommand;
extern const Command kServeCommand;
extern const Command kTopCommand;
extern const Command kViewCommand;
extern const Command kDumpCommand;
extern const Command kDiffCommand;
extern const Command kLeaksCommand;
extern const Command kCtlCommand;
extern const Command kCheckCommand;
extern const Command kOptionsCommand;

}  // namespace otprof::tools
