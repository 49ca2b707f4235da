//===- chat.cpp - Talking with a model ------------------------------------===//

#include "tools/sluice-run/chat.h"

#include "runtime/text/chat_template.h"
#include "runtime/text/stream_decoder.h"
#include "tools/sluice-run/figures.h"
#include "tools/support/log.h"

#include <unistd.h>

#include <string>

namespace sluice::tools {
namespace {

/// One answer, streamed to `out`; returns its text.
Result<std::string> answer(const RunOptions &options, Session &session,
                           Generator &generator,
                           const text::Tokenizer &tokenizer,
                           std::vector<int32_t> prompt, std::ostream &out) {
  text::StreamDecoder decoder(tokenizer, /*skipSpecialTokens=*/true);
  std::string reply, fresh;
  GenerateObserver observer;
  observer.token = [&](uint32_t, int32_t token) {
    fresh.clear();
    decoder.push(token, fresh);
    reply += fresh;
    out << fresh << std::flush;
  };
  TokenLists outputs;
  GenerateMetrics metrics;
  const TokenLists prompts = {std::move(prompt)};
  SLUICE_RETURN_IF_ERROR(generator.generate(prompts, options.generate, observer,
                                            outputs, metrics));
  fresh.clear();
  decoder.flush(fresh);
  out << fresh << '\n' << std::flush;
  if (!out)
    return Status(ErrorCode::Io, "stdout: the text could not be written");
  if (!options.quiet)
    logInfo(figuresLine(metrics, expertCounters(session, metrics),
                        factsOf(options, session, metrics)));
  return reply + fresh;
}

} // namespace

Status chat(const RunOptions &options, Session &session,
            const text::Tokenizer &tokenizer, std::istream &in,
            std::ostream &out) {
  SLUICE_ASSIGN_OR_RETURN(auto form,
                          text::ChatTemplate::open(session.modelDir));
  std::vector<text::ChatMessage> messages;
  if (!options.system.empty())
    messages.push_back({text::ChatRole::System, options.system});
  Generator generator(*session.executor);
  const bool terminal = isatty(STDIN_FILENO);
  std::string line;
  while (true) {
    if (terminal)
      out << "> " << std::flush;
    if (!std::getline(in, line))
      break;
    if (line.empty())
      continue;
    messages.push_back({text::ChatRole::User, line});
    SLUICE_ASSIGN_OR_RETURN(
        auto pieces,
        form.render(messages, {.addGenerationPrompt = true,
                               .enableThinking = options.thinking}));
    SLUICE_ASSIGN_OR_RETURN(auto prompt, tokenizer.encode(pieces));
    SLUICE_ASSIGN_OR_RETURN(
        std::string reply,
        answer(options, session, generator, tokenizer, std::move(prompt), out));
    messages.push_back({text::ChatRole::Assistant, std::move(reply)});
  }
  return Status::ok();
}

} // namespace sluice::tools
