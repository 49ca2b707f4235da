//===- chat.h - Talking with a model ----------------------------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/text/tokenizer.h"
#include "tools/sluice-run/options.h"
#include "tools/sluice-run/session.h"

#include <istream>
#include <ostream>

namespace sluice::tools {

/// Reads a message a line from `in`, answers on `out`, until the input ends.
/// The whole conversation is given to the model again each turn; a turn that no
/// longer fits the plan's --max-seq is an error that says so.
Status chat(const RunOptions &options, Session &session,
            const text::Tokenizer &tokenizer, std::istream &in,
            std::ostream &out);

} // namespace sluice::tools
